"""The panel Take away, under a run that has ended: its weights, settings, figures and script as files, or on the Hub.

A file is made when it is asked for, by a handler that knows who asks; it lies under a name that nobody can guess, in
Gradio's own folder for such files, and goes after an hour. There is no route of ours to it.
"""

import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import gradio as gr

from playground.errors import ConfigError, PlaygroundError, RunError
from playground.export.subject import Subject, bytes_of, subject_of
from playground.runs.events import Progress
from playground.ui import identity
from playground.ui.errors import sentence, shown
from playground.ui.i18n import locale_of, text
from playground.ui.pacing import act
from playground.ui.sent import sent
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.takeaway_work import Finished, followed
from playground.ui.widgets import widget

ITEMS = ("adapter", "merged", "script", "notebook", "config", "metrics")
"""What the panel offers, in its order; parts of `playground.export.bundle`."""
SINGLE = {"config": "config.json", "metrics": "metrics.csv"}
"""Parts that are one file; all others come as a zip."""
KEPT_SECONDS = 3600.0
FOLDER = "takeaway"
ON_THE_HUB = ("adapter", "merged")


@dataclass(frozen=True)
class Takeaway:
    """Components of the panel."""

    panel: gr.HTML
    file: gr.DownloadButton
    hub: gr.Accordion
    repository: gr.Textbox
    what: gr.Radio
    private: gr.Checkbox
    token: gr.Textbox
    push: gr.Button
    cancel: gr.Button
    pushed: gr.HTML


def build(services: Services, shell: Shell) -> Takeaway:
    """Lays the panel out in the current column and wires it; it is empty until a run that has ended is looked at."""
    panel = widget("takeaway.js", "takeaway", "look", "take", mount="mountTakeaway")
    # In the page though not to be seen: the script presses it once there is a file.
    file = gr.DownloadButton(visible="hidden", elem_id="takeaway-file")
    with gr.Accordion(text("takeaway.hub"), open=False, visible=False, elem_id="takeaway-hub") as hub:
        gr.Markdown(text("takeaway.hub.help"))
        with gr.Row():
            repository = gr.Textbox(
                label=text("takeaway.repository"), info=text("takeaway.repository.help"), placeholder="owner/name",
                max_lines=1, max_length=96, elem_id="takeaway-repository",
            )  # fmt: skip
            token = gr.Textbox(
                label=text("takeaway.token"), info=text("takeaway.token.help"), type="password", max_lines=1,
                max_length=200, elem_id="takeaway-token",
            )  # fmt: skip
        with gr.Row():
            what = gr.Radio(
                [(text(f"takeaway.{name}"), name) for name in ON_THE_HUB], value="merged",
                label=text("takeaway.what"), elem_id="takeaway-what", elem_classes="pp-segments",
            )  # fmt: skip
            private = gr.Checkbox(
                True, label=text("takeaway.private"), info=text("takeaway.private.help"), elem_id="takeaway-private"
            )
        with gr.Row(elem_classes="pp-actions"):
            push_it = gr.Button(text("takeaway.push"), variant="primary", elem_id="takeaway-push")
            cancel = gr.Button(text("takeaway.cancel"), visible=False, elem_id="takeaway-push-cancel")
        pushed = widget("takeaway.js", "takeaway-pushed", mount="mountPushed")
    made = Takeaway(panel, file, hub, repository, what, private, token, push_it, cancel, pushed)
    _wire(made, services, shell)
    return made


def _wire(made: Takeaway, services: Services, shell: Shell) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    offered = shown(offer, services)
    for event in (shell.opened.then, shell.run.change, made.panel.look):
        event(offered, [shell.person, shell.run], [made.panel, made.hub, made.what], **quiet)
    place = Path(made.file.GRADIO_CACHE) / FOLDER
    made.panel.take(
        shown(take, services, place), [shell.person], [made.panel, made.file], concurrency_limit=4, **quiet
    ).then(None, js="() => window.dispatchEvent(new Event('playground:taken'))", **quiet)
    pushing = made.push.click(
        shown(push, services),
        [shell.person, shell.run, made.repository, made.what, made.private, made.token],
        [made.pushed, made.token, made.push, made.cancel],
        concurrency_limit=4,
        **quiet,
    )
    # Past the queue: Gradio's page closes its stream with the last event that is cancelled, and would miss the answer.
    made.cancel.click(
        shown(call_off), None, [made.pushed, made.push, made.cancel], cancels=[pushing], queue=False, **quiet
    )


def offer(services: Services, person: object, run: str, request: gr.Request) -> tuple[dict[str, Any], Any, Any]:
    """What the run that is looked at gives to this person: nothing while it goes on, or where it is not theirs."""
    known = identity.visitor(person, request)
    try:
        record = services.store.get(run)
        mine = known is not None and (known.host or known.owner == record.owner)
        ended = record.phase.terminal
        if not mine or record.kind != "run" or not ended:
            return {"run": run, "items": [], "ended": ended}, _hidden(), gr.skip()
        subject = subject_of(run, services.store)
        sizes = bytes_of(subject)
    except PlaygroundError as error:
        problem = {} if isinstance(error, RunError) else {"problem": str(error)}
        return {"run": run, "items": [], "ended": bool(problem), **problem}, _hidden(), gr.skip()
    items = [{"what": name, "bytes": sizes.get(name, 0), "why": why_not(name, subject)} for name in ITEMS]
    choices = [name for name in ON_THE_HUB if not why_not(name, subject)]
    if not subject.base.public and "adapter" in choices:
        choices.remove("adapter")
    what = gr.update(
        choices=[(text(f"takeaway.{name}"), name) for name in choices],
        value=choices[-1] if choices else None,
        visible=len(choices) > 1,
    )
    told = {"run": run, "items": items, "base": subject.base.title, "brings": brings(subject), "ended": True}
    return told, gr.update(visible=bool(choices)), what


def brings(subject: Subject) -> str:
    """The key of the text that says why the base model comes along; "" where it does not."""
    if not subject.base.public:
        return "takeaway.base"
    return "" if subject.base.exact else "takeaway.base.rounded"


def why_not(name: str, subject: Subject) -> str:
    """The key of the text that says why a part cannot be had; "" where it can."""
    if name == "adapter" and subject.left == "model":
        return "takeaway.why.whole"
    if name in ON_THE_HUB and subject.left == "nothing":
        return "takeaway.why.nothing"
    if name == "merged" and not subject.merges:
        return "takeaway.why.prompt" if subject.writes else "takeaway.why.scores"
    if name in ("script", "notebook") and not subject.scripted:
        return "takeaway.why.prompt_script" if subject.config.adapter.is_prompt else "takeaway.why.method"
    return ""


def take(
    services: Services, place: Path, event: gr.EventData, person: object, request: gr.Request
) -> Iterator[tuple[dict[str, Any], Any]]:
    """Makes the file that was asked for, saying how far it is; at last the file is in the button's hands."""
    asked = sent(event)
    run, what = str(asked.get("run", "")), str(asked.get("what", ""))
    known = identity.require_owner(services.store.get(run).owner, person, request)
    if what not in ITEMS:
        raise ConfigError([f"What can be taken away is {', '.join(ITEMS)}; got {what!r}."])
    act(services, known)
    subject = subject_of(run, services.store)
    target = _new_place(place) / file_name(subject, what)

    def work(report: Any, stop: Any) -> Path:
        from playground.export.bundle import Order, export_zip, write_parts

        order = Order(subject, services.store, known.host, report, stop)
        if what in SINGLE:
            write_parts(order, target.parent, [what])
            return (target.parent / SINGLE[what]).rename(target)
        export_zip(order, target, [what])
        return target

    yield {"busy": {"what": what}}, gr.skip()
    try:
        for said in followed(work):
            if isinstance(said, Finished):
                ready = {"what": what, "name": target.name, "bytes": target.stat().st_size}
                yield {"ready": ready}, gr.update(value=str(said.value), label=target.name)
            else:
                yield {"busy": {"what": what, **_progress(said)}}, gr.skip()
    except PlaygroundError as error:
        shutil.rmtree(target.parent, ignore_errors=True)
        yield {"failed": {"what": what, "error": sentence(error, locale_of(request))}}, gr.skip()
    except BaseException:
        shutil.rmtree(target.parent, ignore_errors=True)
        raise


def push(
    services: Services,
    request: gr.Request,
    person: object,
    run: str,
    repository: str,
    what: str,
    private: bool,
    token: str,
) -> Iterator[tuple[dict[str, Any], Any, Any, Any]]:
    """Pushes to the Hub in this person's name; the token's field is empty from the first word on."""
    act(services, identity.require_owner(services.store.get(run).owner, person, request))
    subject = subject_of(run, services.store)
    busy, rest = (gr.update(interactive=False), gr.update(visible=True)), (gr.update(interactive=True), _hidden())
    yield {"busy": {}}, "", *busy

    def work(report: Any, stop: Any) -> str:
        from playground.export import push as pushing
        from playground.export.bundle import Order

        order = Order(subject, services.store, False, report, stop)
        if what not in ON_THE_HUB:
            raise ConfigError([f"What can be pushed is {', '.join(ON_THE_HUB)}; got {what!r}."])
        return pushing.push(order, cast("Any", what), pushing.Destination(repository.strip(), private, token.strip()))

    try:
        for said in followed(work):
            if isinstance(said, Finished):
                yield {"url": said.value}, "", *rest
            else:
                yield {"busy": _progress(said)}, gr.skip(), *busy
    except PlaygroundError as error:
        yield {"error": sentence(error, locale_of(request))}, gr.skip(), *rest


def call_off() -> tuple[dict[str, Any], Any, Any]:
    """What the page shows after a push was cancelled; closing its generator has stopped it."""
    return {"cancelled": True}, gr.update(interactive=True), _hidden()


def file_name(subject: Subject, what: str) -> str:
    """What the file is called: the run's name and id, and the part."""
    name = re.sub(r"[^\w.-]+", "-", subject.title).strip("-.")[:60]
    ending = SINGLE.get(what, "zip").rpartition(".")[2]
    return f"{'-'.join(filter(None, [name, subject.record.id, what]))}.{ending}"


def _new_place(folder: Path) -> Path:
    """A folder under a name that nobody can guess; those that are an hour old go."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    made = folder / secrets.token_urlsafe(16)
    made.mkdir()
    return made


def _progress(said: Progress) -> dict[str, Any]:
    return {"stage": said.stage, "done": said.done, "total": said.total, "unit": said.unit}


def _hidden() -> Any:
    return gr.update(visible=False)
