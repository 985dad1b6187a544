"""What the page shares with every tab."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.ui.opening import Opening


@dataclass(frozen=True)
class Shell:
    """Components outside the tabs, and the tab being built."""

    person: gr.BrowserState
    """Who this browser is; an input of every handler that changes something, for `identity.identify` and its kin."""
    prompt: gr.BrowserState
    """The prompt that goes through all tabs (a text); write it when it changes, read it when a tab is selected."""
    run: gr.BrowserState
    """Id of the run being looked at, or ""; survives a reload."""
    data: gr.BrowserState
    """What is opened in the Data tab: `data`, `training.max_length` and `sft.loss_on` of a run's JSON, or None. With
    `to` it is handed over to the tab of that name."""
    handed: gr.State
    """What one tab hands to another, once: `{"to": TAB, "turn": N}` with `config` (a run's JSON, for its form) or
    `look` (the id of a run or an evaluation, for its live view). Tabs listen to `handed.change`; see `handing`."""
    opened: Opening
    """`opened.then(…)` fills what must be filled when a page opens; `person` is known by then."""
    status: gr.HTML
    """The model chip. Its `change` fires when the model server enters another state or has another model."""
    tabs: gr.Tabs
    """All tabs; `gr.Tabs(selected="train")` as an output opens one."""
    tab: gr.Tab
    """The tab being built; use `tab.select` to refresh what may have changed meanwhile."""


_turns = itertools.count(1)


def handing(to: str, **what: object) -> dict[str, Any]:
    """What `Shell.handed` takes; the count of turns makes every time a change."""
    return {"to": to, "turn": next(_turns), **what}


def taken(handed: object, to: str, what: str) -> Any:
    """What was handed to the tab `to` under the name `what`; None where it is for another, or something else."""
    return handed.get(what) if isinstance(handed, Mapping) and handed.get("to") == to else None
