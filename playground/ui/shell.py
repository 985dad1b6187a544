"""What the page shares with every tab."""

from dataclasses import dataclass

import gradio as gr
from gradio.events import Dependency


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
    opened: Dependency
    """`opened.then(…)` fills what must be filled when a page opens; `person` is known by then."""
    status: gr.HTML
    """The model chip. Its `change` fires when the model server enters another state or has another model."""
    tabs: gr.Tabs
    """All tabs; `gr.Tabs(selected="train")` as an output opens one."""
    tab: gr.Tab
    """The tab being built; use `tab.select` to refresh what may have changed meanwhile."""
