"""The Votes view of the Compare tab: two answers, nobody knows whose, and a table of whose were preferred.

What a page shows before a vote says nothing of who answered (`Ballot.shown`); the order is drawn on the server once per
person and pair, and stays. The page keeps two ballots, so that the next one is there while this one is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.config import codec
from playground.errors import PlaygroundError, RunError
from playground.ui import identity, votes_training_view
from playground.ui.compare_question import Question
from playground.ui.data_form import handed_over
from playground.ui.errors import shown
from playground.ui.i18n import text
from playground.ui.sent import sent
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.voting_booth import VotingBooth, settings_of
from playground.ui.voting_form import FINISHED, VotingForm, build_voting_form, chosen_settings, offer
from playground.ui.widgets import widget
from playground.voting.preferences import preferences

OPEN_LINKED = "() => playground.module('js/votes_link.js').then((link) => link.open())"
"""An address such as `#votes?evaluation=ID` opens this view; a host can put it on a screen for phones."""


@dataclass(frozen=True)
class VotesView:
    """Components of the view."""

    form: VotingForm
    start: gr.Button
    problem: gr.HTML
    arena: gr.HTML
    table: gr.HTML
    kept: gr.BrowserState
    """The settings that are voted under, as JSON; survives a reload."""


def build(services: Services, shell: Shell, question: Question) -> VotesView:
    """Lays the view out and wires it."""
    kept = gr.BrowserState(None, storage_key="playground-votes", secret="playground-votes")  # noqa: S106
    with gr.Row(elem_classes="pp-columns"):
        with gr.Column(scale=2, min_width=300, elem_id="votes-setup"):
            gr.Markdown(text("votes.title"), elem_classes="pp-title")
            form = build_voting_form("votes")
            problem = widget("problem.js", "votes-problem")
            start = gr.Button(text("votes.start"), variant="primary", elem_id="votes-start")
        with gr.Column(scale=3, min_width=320):
            arena = widget("votes.js", "votes-arena", "vote", "follow", "again")
    table = widget("votes_table.js", "votes-table", "ask", "train")
    booth = VotingBooth(services)
    votes_training_view.build(services, shell, booth, kept)
    view = VotesView(form, start, problem, arena, table, kept)
    _wire(view, booth, services, shell, question)
    return view


def _wire(view: VotesView, booth: VotingBooth, services: Services, shell: Shell, question: Question) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    voting: dict[str, Any] = {"concurrency_limit": None, "trigger_mode": "multiple", **quiet}
    offered = view.form.offered()
    for event in (shell.opened.then, question.view.select, shell.tab.select, shell.status.change):
        event(shown(offer, services), [shell.person, shell.run, *offered], offered, **quiet)
    shell.opened.at_once(None, js=OPEN_LINKED, **quiet)
    known = [shell.person, view.kept]
    view.start.click(
        shown(start, booth), [shell.person, *view.form.inputs()], [view.kept, view.problem], queue=False, **quiet
    ).success(shown(proceed, booth), known, [view.arena], **voting)
    view.arena.vote(shown(proceed, booth), known, [view.arena], **voting)
    view.arena.again(shown(proceed, booth), known, [view.arena], **voting)
    view.arena.follow(
        shown(follow, booth), [shell.person], [view.kept, view.form.evaluation, view.problem], **quiet
    ).success(shown(proceed, booth), known, [view.arena], **voting)
    view.table.ask(shown(standings, booth), known, [view.table], trigger_mode="always_last", **quiet)
    view.table.train(
        shown(make_data, booth), [*known, shell.data], [shell.data, shell.tabs, view.table], **quiet
    ).success(None, js="() => window.dispatchEvent(new Event('playground:data-open'))", **quiet)


def start(booth: VotingBooth, request: gr.Request, person: object, *values: Any) -> tuple[Any, dict[str, Any]]:
    """Keeps what the fields say as what is voted under from now on; a refusal is said beside the button."""
    try:
        known = identity.identify(person, request)
        settings = chosen_settings(*values)
        booth.count(known, settings.generation.max_new_tokens)
        booth.arena(settings, known)
    except PlaygroundError as error:
        return gr.skip(), {"error": str(error)}
    return codec.encode_section(settings), {}


def follow(
    booth: VotingBooth, event: gr.EventData, request: gr.Request, person: object
) -> tuple[Any, Any, dict[str, Any]]:
    """A link to an evaluation's answers was opened; anything may stand in it."""
    wanted = str(sent(event).get("evaluation", ""))
    kept, problem = start(booth, request, person, FINISHED, wanted, None, None, "")
    return kept, gr.skip() if problem else wanted, problem


def proceed(
    booth: VotingBooth, event: gr.EventData, request: gr.Request, person: object, kept: object
) -> Iterator[dict[str, Any]]:
    """Writes a vote down if one comes with the event, then shows the open ballots; for `mount` in `votes.js`."""
    asked = event._data if isinstance(event._data, dict) else {}
    try:
        known = identity.identify(person, request)
        if "ballot" in asked:
            booth.count(known)
            booth.ballots.vote(str(asked["ballot"]), known.owner, str(asked.get("choice")))
        settings = settings_of(kept)
        if settings is None:
            yield {}
            return
        yield from booth.states(booth.arena(settings, known), known)
    except PlaygroundError as error:
        yield {"state": "error", "message": str(error), "ballot": asked.get("ballot")}


def standings(
    booth: VotingBooth, event: gr.EventData, request: gr.Request, person: object, kept: object
) -> dict[str, Any]:
    """Who was preferred to whom; for `mount` in `votes_table.js`."""
    settings = settings_of(kept)
    if settings is None:
        return {}
    known = identity.identify(person, request)
    everybody = sent(event).get("everybody") is True
    try:
        return booth.standings(booth.arena(settings, known), known, everybody=everybody)
    except PlaygroundError as error:
        return {"error": str(error)}


def make_data(
    booth: VotingBooth, event: gr.EventData, request: gr.Request, person: object, kept: object, opened: object
) -> tuple[Any, Any, Any]:
    """Makes a data set of preferences of the votes and opens it in the Data tab."""
    known, settings = identity.identify(person, request), settings_of(kept)
    if settings is None:
        raise RunError("Nothing was voted on yet; press Start first.")
    everybody = sent(event).get("everybody") is True
    found = preferences(booth.votes(booth.arena(settings, known), known, everybody=everybody))
    config = codec.decode({"data": {"source": found.keep(), **found.template}})
    return handed_over(config, opened, "data"), gr.Tabs(selected="data"), gr.skip()
