"""The Beam search view of the Distribution tab: the tree of every continuation that a beam search looked at.

The search runs here, step by step; the tree, its slider, the list and the files are made in the page
(`assets/js/beam.js`).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.config.beams import BeamSettings
from playground.config.settings import settings_of
from playground.errors import PlaygroundError
from playground.ui import identity
from playground.ui.errors import shown
from playground.ui.pacing import act
from playground.ui.packing import packed
from playground.ui.question import BASE, Question, runs_of
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import STOPPABLE, script

if TYPE_CHECKING:
    from playground.models.beams import Search
    from playground.models.contest import Contest
    from playground.models.rivals import Rival

FATES = ("kept", "finished", "pruned", "late")
"""As `assets/js/beam_search.js` numbers them."""


def build(services: Services, shell: Shell, question: Question) -> gr.HTML:
    """Lays the view out and wires it."""
    settings = [described(found.name) for found in settings_of(BeamSettings)]
    tree = gr.HTML(
        html_template='<div class="pgd pgb"></div>',
        js_on_load=script("beam.js", "search", "stop", "link", settings=settings),
        apply_default_css=False,
        elem_id="beam-tree",
        elem_classes="pp-bare",
    )
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    quiet |= STOPPABLE
    searching = tree.search(shown(search, services), [shell.person, *question.inputs()], [tree, shell.prompt], **quiet)
    following = tree.link(shown(follow, services), [shell.person], [tree, shell.prompt, *question.inputs()], **quiet)
    tree.stop(None, cancels=[searching, following], api_visibility="private")
    return tree


def described(name: str) -> dict[str, Any]:
    """A setting's range, choices and default as `assets/js/beam_controls.js` takes them."""
    found = next(setting for setting in settings_of(BeamSettings) if setting.name == name)
    return {
        "name": name,
        "minimum": found.range.minimum,
        "maximum": found.range.maximum,
        "choices": found.choices,
        "value": found.default,
        "whole": found.kind == "int",
    }


def search(
    services: Services, event: gr.EventData, request: gr.Request, person: object, prompt: str, chat: bool, run: str
) -> Iterator[tuple[dict[str, Any], Any]]:
    """The search as it goes on, and the prompt to share with the other tabs."""
    asked = event._data if isinstance(event._data, dict) else {}
    for value in values(services, person, request, prompt, chat, run, asked):
        yield value, prompt


def follow(services: Services, event: gr.EventData, request: gr.Request, person: object) -> Iterator[tuple[Any, ...]]:
    """What a link asks for: the fields of the question, and then the search. Anything may stand in a link."""
    asked = event._data if isinstance(event._data, dict) else {}
    prompt, chat = str(asked.get("prompt", "")), asked.get("chat") is True
    runs = runs_of(services, person, request)
    run = str(asked.get("run", "")) if asked.get("run") in [value for _, value in runs] else BASE
    settings = asked.get("settings")
    settings = {**(settings if isinstance(settings, dict) else {}), "asked": asked.get("asked")}
    fields: tuple[Any, ...] = (prompt, prompt, chat, gr.update(choices=runs, value=run))
    for value in values(services, person, request, prompt, chat, run, settings):
        yield ({**value, "linked": str(asked.get("model", ""))}, *fields)
        fields = (gr.skip(),) * 4


def values(
    services: Services, person: object, request: gr.Request, prompt: str, chat: bool, run: str, asked: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The widget's values, as `assets/js/beam.js` describes them; a refusal is one of them, in words."""
    status = services.status()
    try:
        services.check_started()
        if not prompt.strip():
            raise PlaygroundError("The prompt is empty; type the beginning of a text above.")
        if run:
            identity.require_owner(services.store.get(run).owner, person, request)
        names = [found.name for found in settings_of(BeamSettings)]
        settings = BeamSettings(**{name: asked[name] for name in names if name in asked})
        act(services, identity.anyone(person, request), max_new_tokens=settings.max_new_tokens)
        told: dict[str, Any] = {"asked": asked.get("asked"), "prompt": prompt, "chat": chat, "run": run}
        told |= {"model": status.get("title", ""), "settings": {name: getattr(settings, name) for name in names}}

        from playground.models.contest import contest

        yield {"state": "waiting", "ahead": 0, **told}
        now: Contest | None = None
        for now in contest(services.model_server(), prompt, settings, chat=chat, run=run):
            yield {**contest_value(now, done=False), **told}
        if now and now.search:
            yield {**contest_value(now, done=True), **told}
    except PlaygroundError as error:
        yield {"state": "error", "message": str(error), "asked": asked.get("asked")}


def contest_value(now: "Contest", *, done: bool) -> dict[str, Any]:
    """A search and its rivals as JSON values."""
    if now.search is None:
        return {"state": "waiting", "ahead": now.ahead}
    searching = "comparing" if now.search.outcome else "searching"
    return {
        "state": "done" if done else searching,
        "vocabulary": now.vocabulary_id,
        "ends": list(now.ends),
        "greedy": rival_value(now.greedy) if now.greedy else None,
        "drawn": [rival_value(found) for found in now.drawn],
        **search_value(now.search),
    }


def search_value(found: "Search") -> dict[str, Any]:
    """The record by columns; every step has as many candidates, so that their places tell step and rank.

    Columns are packed: Gradio compares and copies every number of a list at every update.
    """
    rows = found.candidates
    return {
        "ids": found.prompt,
        "longest": found.longest,
        "steps": found.steps,
        "outcome": found.outcome,
        "bound": found.bound,
        "finished": found.finished,
        "width": len(rows) // found.steps,
        "parents": packed([row.parent for row in rows], "<i4"),
        "tokens": packed([row.token for row in rows], "<i4"),
        "logs": packed([row.log_probability for row in rows], "<f4"),
        "scores": packed([row.score for row in rows], "<f4"),
        "fates": packed([FATES.index(row.fate) for row in rows], "u1"),
    }


def rival_value(found: "Rival") -> dict[str, Any]:
    """A text to compare with."""
    return {"ids": found.ids, "score": found.score}
