"""The History tab: every run and evaluation, found again, renamed, compared, taken up anew, and deleted.

The list comes from `/playground/history` and the curves from `/playground/metrics` (`assets/js/history*.js`), so that
everybody sees what there is; whatever changes something, or shows a config, asks here, and only of its owner or the
host. Configs go to the Train form through `shell.handed`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import gradio as gr

from playground.config import codec
from playground.config.run import RunConfig
from playground.errors import ConfigError, NotAllowed, PlaygroundError, RunError
from playground.runs import deletion
from playground.runs.records import RunRecord
from playground.ui import identity
from playground.ui.errors import shown
from playground.ui.history_view import differences
from playground.ui.i18n import text
from playground.ui.launching import check_rights
from playground.ui.services import Services
from playground.ui.shell import Shell, handing
from playground.ui.widgets import widget

LARGEST_CONFIG = 2**20
"""Bytes of the largest file that can be a config."""
TABS = {"run": "train", "evaluation": "evaluate"}
"""Where each kind is looked at."""


@dataclass(frozen=True)
class HistoryTab:
    """Components of the tab."""

    upload: gr.UploadButton
    problem: gr.HTML
    table: gr.HTML
    comparison: gr.HTML


def build(services: Services, shell: Shell) -> HistoryTab:
    """Lays the tab out and wires it."""
    with gr.Row(elem_classes="ph-head"):
        gr.Markdown(text("history.title"), elem_classes="pp-title")
        upload = gr.UploadButton(
            cast("str", text("history.import")), file_types=[".json"], size="sm", elem_id="history-import"
        )
    problem = widget("problem.js", "history-problem", elem_classes="pp-bare")
    table = widget(
        "history.js",
        "history-table",
        "rename",
        "erase",
        "free",
        "restore",
        "use",
        "look",
        mount="mountTable",
        elem_classes="pp-bare",
    )
    comparison = widget(
        "history.js",
        "history-comparison",
        "differ",
        mount="mountComparison",
        elem_classes="pp-bare",
        plotly=version("plotly"),
    )
    tab = HistoryTab(upload, problem, table, comparison)
    _wire(tab, services, shell)
    return tab


def _wire(tab: HistoryTab, services: Services, shell: Shell) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    # Nobody waits for a large folder to be removed, and nobody's queue does.
    slow: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "history-disk", **quiet}
    table = cast("Any", tab.table)
    table.rename(shown(rename, services), [shell.person], [tab.table], **quiet)
    table.erase(shown(erase, services), [shell.person], [tab.table], **slow)
    table.free(shown(free, services), [shell.person], [tab.table], **slow)
    table.restore(shown(restore, services), [shell.person], [tab.table], **quiet)
    table.use(shown(use, services), [shell.person], [shell.handed, shell.tabs, tab.table], **quiet)
    table.look(shown(look, services), None, [shell.handed, shell.tabs], **quiet)
    cast("Any", tab.comparison).differ(
        shown(differ, services), [shell.person], [tab.comparison], trigger_mode="always_last", **quiet
    )
    tab.upload.upload(
        shown(import_config, services), [tab.upload, shell.person], [shell.handed, shell.tabs, tab.problem], **quiet
    )
    shell.opened.then(shown(who), [shell.person], [tab.table], **quiet)


def who(person: object, request: gr.Request) -> dict[str, Any]:
    """Tells the table who is looking."""
    return {"viewer": identity.viewer(identity.identify(person, request))}


def rename(services: Services, event: gr.EventData, person: object, request: gr.Request) -> dict[str, Any]:
    """Gives a run another name."""
    asked = _asked(event)
    try:
        record = _own(services, _text(asked, "run"), person, request)
        services.store.rename(record.id, _text(asked, "name"))
    except PlaygroundError as error:
        return {"refused": str(error), "turn": asked.get("turn")}
    return {"done": "renamed", "turn": asked.get("turn")}


def erase(services: Services, event: gr.EventData, person: object, request: gr.Request) -> dict[str, Any]:
    """Deletes runs and evaluations, newest first, so that nothing goes before what stands on it."""
    asked = _asked(event)
    problems: list[str] = []
    deleted, freed = 0, 0
    try:
        wanted = [_own(services, run, person, request) for run in _texts(asked, "runs")]
    except PlaygroundError as error:
        return {"refused": str(error), "turn": asked.get("turn")}
    for record in sorted(wanted, key=lambda found: -found.created):
        try:
            freed += deletion.delete(services.store, record.id)
            services.forget_run(record.id)
            deleted += 1
        except PlaygroundError as error:
            problems.append(str(error))
    return {
        "done": "deleted" if deleted else "",
        "count": deleted,
        "bytes": freed,
        "refused": "\n".join(problems),
        "turn": asked.get("turn"),
    }


def free(services: Services, event: gr.EventData, person: object, request: gr.Request) -> dict[str, Any]:
    """Removes the checkpoints of runs that have ended; what they learnt stays."""
    asked = _asked(event)
    problems: list[str] = []
    freed = 0
    try:
        wanted = [_own(services, run, person, request) for run in _texts(asked, "runs")]
    except PlaygroundError as error:
        return {"refused": str(error), "turn": asked.get("turn")}
    for record in wanted:
        try:
            freed += deletion.free_checkpoints(services.store, record.id)
        except PlaygroundError as error:
            problems.append(str(error))
    done = "freed" if len(problems) < len(wanted) else ""
    return {"done": done, "bytes": freed, "refused": "\n".join(problems), "turn": asked.get("turn")}


def restore(services: Services, event: gr.EventData, person: object, request: gr.Request) -> dict[str, Any]:
    """Lists runs again that were put aside for the next group."""
    asked = _asked(event)
    try:
        wanted = [_own(services, run, person, request) for run in _texts(asked, "runs")]
        for record in wanted:
            services.store.bring_back(record.id)
    except PlaygroundError as error:
        return {"refused": str(error), "turn": asked.get("turn")}
    return {"done": "restored", "count": len(wanted), "turn": asked.get("turn")}


def use(services: Services, event: gr.EventData, person: object, request: gr.Request) -> tuple[Any, Any, Any]:
    """Fills the Train form with a run's config. The name stays away: the next run gets one of its own."""
    asked = _asked(event)
    try:
        record = _own(services, _text(asked, "run"), person, request)
        if record.kind != "run":
            raise RunError(f"{record.id} is an evaluation; the form of a run has no place for its settings.")
        config = codec.decode({**record.document, "name": ""})
    except PlaygroundError as error:
        return gr.skip(), gr.skip(), {"refused": str(error), "turn": asked.get("turn")}
    return *_to_form(config), {"done": "", "turn": asked.get("turn")}


def import_config(services: Services, path: str | None, person: object, request: gr.Request) -> tuple[Any, Any, Any]:
    """Fills the Train form with a config out of a file, or says everything that is wrong with it."""
    try:
        known = identity.identify(person, request)
        if not path:
            raise ConfigError(["No file has arrived; choose one and import it again."])
        config = codec.loads(_read(Path(path)))
        check_rights(services, config, known)
    except PlaygroundError as error:
        return gr.skip(), gr.skip(), {"error": f"{Path(path or '').name}\n{error}"}
    return *_to_form(config), {}


def look(services: Services, event: gr.EventData) -> tuple[Any, Any]:
    """Opens a run, or an evaluation, where it is watched."""
    record = services.store.get(_text(_asked(event), "run"))
    tab = TABS[record.kind]
    return handing(tab, look=record.id), gr.Tabs(selected=tab)


def differ(services: Services, event: gr.EventData, person: object, request: gr.Request) -> dict[str, Any]:
    """The configs of two runs, setting by setting. Those of others may name what is theirs: for the host only."""
    runs = _texts(_asked(event), "runs")
    try:
        if len(runs) != 2:
            raise RunError(f"Settings are compared between exactly two; {len(runs)} were chosen.")
        first, second = (_own(services, run, person, request, "see its settings") for run in runs)
        return differences(first, second)
    except PlaygroundError as error:
        return {"runs": list(runs), "error": str(error)}


def _to_form(config: RunConfig) -> tuple[dict[str, Any], Any]:
    return handing("train", config=codec.encode(config)), gr.Tabs(selected="train")


def _own(services: Services, run: str, person: object, request: gr.Request, what: str = "do that") -> RunRecord:
    """A run or evaluation that this person may change.

    Raises:
        RunError: there is none.
        NotAllowed: it is someone else's.
    """
    record = services.store.get(run)
    known = identity.identify(person, request)
    if not known.host and record.owner != known.owner:
        raise NotAllowed(f"{record.name or record.id} belongs to someone else; only its owner or the host can {what}.")
    return record


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            size = path.stat().st_size / LARGEST_CONFIG
            raise ConfigError([f"It has {size:.1f} MiB; a config has at most {LARGEST_CONFIG // 2**20} MiB."])
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([f"It is no text in UTF-8 (at byte {error.start}), so it is no JSON."]) from None
    except OSError as error:
        raise ConfigError([f"It cannot be read: {error.strerror}."]) from error


def _asked(event: gr.EventData) -> Mapping[str, Any]:
    return event._data if isinstance(event._data, Mapping) else {}


def _text(asked: Mapping[str, Any], name: str) -> str:
    return str(asked.get(name) or "")


def _texts(asked: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = asked.get(name)
    return tuple(dict.fromkeys(map(str, found))) if isinstance(found, list) else ()
