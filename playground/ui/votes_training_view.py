"""Votes train the model: one press from the votes to a run, and on to the next pairs. `votes_training.js` draws it.

Stands below the table of the Votes view, where the pairs at hand are trained on, and in the Room tab, where the host
chooses whose.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from playground.config.voting import VotingSettings
from playground.errors import PlaygroundError, RunError
from playground.runs.events import Phase
from playground.runs.records import RunRecord
from playground.ui import identity
from playground.ui.errors import shown
from playground.ui.forms import relisted
from playground.ui.i18n import text
from playground.ui.identity import Person
from playground.ui.lessons import pupils
from playground.ui.pacing import act
from playground.ui.services import Services
from playground.ui.shell import Shell, handing
from playground.ui.voting_booth import VotingBooth, settings_of
from playground.ui.widgets import widget
from playground.voting import planning
from playground.voting.arena import RUN, Arena, title
from playground.voting.ballots import EVALUATION, Ballots, Vote
from playground.voting.lessons import ANSWERS, TRAIN, Lesson, Method
from playground.voting.preferences import preferences
from playground.voting.win_rates import win_rate

LISTED = 50
METHODS: tuple[Method, ...] = ("dpo", "reward")


def build(
    services: Services,
    shell: Shell,
    booth: VotingBooth | None = None,
    kept: Any = None,
    voted: Sequence[Callable[..., object]] = (),
) -> gr.HTML:
    """Lays the card out and wires it.

    Args:
        kept: what is voted on: a component whose value `settings_of` reads. Without it there is a list of all
            evaluations that were voted on, for the host.
        voted: events after which that list may be longer.
    """
    booth = booth or VotingBooth(services)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    chooses = kept is None
    if kept is None:
        kept = gr.Dropdown(
            [], label=text("votes.train.arena"), info=text("votes.train.arena.help"), elem_id="votes-train-arena",
            visible=False,
        )  # fmt: skip
    card = widget(
        "votes_training.js", "votes-train-room" if chooses else "votes-train",
        "look", "begin", "resume", "stop", "visit", room=chooses,
    )  # fmt: skip
    inputs = [shell.person, kept]
    card.look(shown(look, booth, services), inputs, [card], trigger_mode="always_last", **quiet)
    card.begin(shown(begin, booth, services), inputs, [card], **quiet)
    card.resume(shown(resume, booth, services), inputs, [card], **quiet)
    card.stop(shown(stop, booth, services), inputs, [card], **quiet)
    card.visit(shown(visit), None, [shell.handed, shell.tabs], **quiet)
    if chooses:
        events: list[Callable[..., object]] = [shell.opened.then, shell.tab.select, *voted]
        for event in events:
            event(shown(arenas, services), [kept], [kept], queue=False, **quiet)
        kept.change(shown(look, booth, services), inputs, [card], **quiet)
    return card


def arenas(services: Services, chosen: object) -> dict[str, Any]:
    """Finished evaluations that were voted on, those with the newest votes first; hidden where there are none."""
    done = {one.id: one for one in services.store.list("evaluation", limit=-1) if one.phase is Phase.DONE}
    voted = [source.removeprefix(EVALUATION) for source in Ballots(services.store.database).sources()]
    ids = [evaluation for evaluation in voted if evaluation in done][:LISTED]
    choices = [(f"{done[one].name or one} · {one}", one) for one in ids]
    return relisted(choices, chosen if chosen in ids else next(iter(ids), None), chosen, visible=bool(ids))


def look(
    booth: VotingBooth, services: Services, event: gr.EventData, request: gr.Request, person: object, kept: object
) -> dict[str, Any]:
    """What can be trained on the votes; for `mount` in `votes_training.js`."""
    return _answered(booth, services, event, request, person, kept, "look")


def begin(
    booth: VotingBooth, services: Services, event: gr.EventData, request: gr.Request, person: object, kept: object
) -> dict[str, Any]:
    """Begins to train on the votes."""
    return _answered(booth, services, event, request, person, kept, "begin")


def resume(
    booth: VotingBooth, services: Services, event: gr.EventData, request: gr.Request, person: object, kept: object
) -> dict[str, Any]:
    """Goes on with a lesson of one's own."""
    return _answered(booth, services, event, request, person, kept, "resume")


def stop(
    booth: VotingBooth, services: Services, event: gr.EventData, request: gr.Request, person: object, kept: object
) -> dict[str, Any]:
    """Ends a lesson of one's own."""
    return _answered(booth, services, event, request, person, kept, "stop")


def visit(event: gr.EventData) -> tuple[Any, Any]:
    """Opens a job of a lesson where such jobs are watched; what is shown there is everybody's to see."""
    asked = _asked(event)
    tab = "evaluate" if asked.get("kind") == "evaluation" else "train"
    return handing(tab, look=str(asked.get("job") or "")), gr.Tabs(selected=tab)


def _answered(
    booth: VotingBooth, services: Services, event: gr.EventData, request: gr.Request, person: object, kept: object,
    what: str,
) -> dict[str, Any]:  # fmt: skip
    """Does what is asked, and says what can be done now; a refusal is said in the card."""
    settings = VotingSettings(evaluation=kept) if isinstance(kept, str) and kept else settings_of(kept)
    if settings is None:
        return {}
    asked = _asked(event)
    everybody = asked.get("everybody") is not False
    answer: dict[str, Any] = {"turn": asked.get("turn"), "did": what, "everybody": everybody}
    try:
        known = identity.identify(person, request)
        if what in ("begin", "resume"):
            act(services, known)
        arena = booth.arena(settings, known)
        answer |= {"source": arena.source, "viewer": identity.viewer(known)}
        votes = _votes(booth, arena, known, everybody=everybody)
        answer |= _offer(services, arena, votes, known)
        lesson = str(asked.get("lesson") or "")
        match what:
            case "begin":
                services.lessons.begin(
                    known, arena, settings, votes, method=_method(asked), pupil=str(asked.get("pupil") or ""),
                    everybody=everybody,
                )  # fmt: skip
            case "resume":
                services.lessons.go_on(known, lesson)
            case "stop":
                services.lessons.stop(known, lesson)
    except PlaygroundError as error:
        answer["refused"] = str(error)
    return answer


def _votes(booth: VotingBooth, arena: Arena, known: Person, *, everybody: bool) -> list[Vote]:
    """On the pairs of this arena alone, whatever else its models were asked."""
    return [
        vote for vote in booth.votes(arena, known, everybody=everybody) if vote.pair.source == arena.source
    ]  # fmt: skip


def _method(asked: Mapping[str, Any]) -> Method:
    """Raises RunError where it is none."""
    found = next((method for method in METHODS if method == asked.get("method")), None)
    if found is None:
        raise RunError(f"Votes train {' or '.join(METHODS)}; got {asked.get('method')!r}.")
    return found


def _offer(services: Services, arena: Arena, votes: list[Vote], known: Person) -> dict[str, Any]:
    found = preferences(votes)
    offer: dict[str, Any] = {
        "votes": len(votes), "voters": len({vote.owner for vote in votes}), "rows": len(found.rows),
        "tied": found.tied, "needed": planning.FEWEST, "missing": planning.missing(found), "pupils": [],
    }  # fmt: skip
    try:
        names = pupils(services, arena, votes, known)
    except PlaygroundError as error:
        return {**offer, "nobody": str(error)}
    for name in names:
        rate = win_rate(name, votes)
        called = title(name, services.store)
        offer["pupils"].append({"name": name, "title": called, "rate": rate.rate if rate else None})
    return offer


def lessons_view(services: Services, source: str) -> list[dict[str, Any]]:
    """How the lessons of a source stand, the newest first, as `/playground/lessons` gives it."""
    return [_lesson_row(services, *standing) for standing in services.lessons.of(source)]


def _lesson_row(services: Services, state: str, lesson: Lesson, waits: str) -> dict[str, Any]:
    jobs = {step.name: _job(services, lesson.jobs.get(step.name, "")) for step in lesson.stages}
    trained, answered = jobs[TRAIN], jobs[ANSWERS]
    evaluated = str(lesson.stages[1].settings.get("run") or "")
    row = {
        "id": lesson.id, "owner": lesson.owner, "method": lesson.method, "state": state, "reason": lesson.reason,
        "waits": waits, "begun": lesson.begun, "source": lesson.source, "next": lesson.next_source,
        "fresh": lesson.fresh, "votes": dict(lesson.votes), "before": lesson.before, "after": None,
        "old": title(f"{RUN}{evaluated}" if evaluated else lesson.pupil, services.store),
        "new": title(f"{RUN}{lesson.jobs[TRAIN]}", services.store) if TRAIN in lesson.jobs else "",
        "stages": [_stage(services, step.name, step.kind, jobs[step.name]) for step in lesson.stages],
    }  # fmt: skip
    if lesson.next_source:
        found = win_rate(f"{RUN}{lesson.jobs[TRAIN]}", Ballots(services.store.database).votes_on(lesson.next_source))
        row["after"] = found.to_json() if found else None
        row["pairs"] = int((answered.result or {}).get("examples", 0)) if answered else 0
    elif lesson.method == "reward" and trained and answered and answered.phase is Phase.DONE and answered.result:
        judge = answered.result["judge"]
        row["judge"] = {key: judge[key] for key in ("win_rate", "interval", "wins", "ties", "losses")}
        row["accuracy"] = trained.metrics.get("eval_accuracy")
    return row


def _job(services: Services, job: str) -> RunRecord | None:
    try:
        return services.store.get(job) if job else None
    except PlaygroundError:  # deleted
        return None


def _stage(services: Services, name: str, kind: str, record: RunRecord | None) -> dict[str, Any]:
    if record is None:
        return {"name": name, "kind": kind, "job": "", "phase": ""}
    place = services.jobs.places().get(record.id) if not record.phase.terminal else None
    total = record.document.get("training", {}).get("max_steps")
    return {
        "name": name, "kind": kind, "job": record.id, "phase": record.phase, "steps": record.steps, "total": total,
        "started": record.started, "seconds": record.seconds, "place": place.position if place else None,
        "starts_in": place.seconds if place else None,
    }  # fmt: skip


def _asked(event: gr.EventData) -> Mapping[str, Any]:
    found = getattr(event, "_data", None)
    return found if isinstance(found, Mapping) else {}
