"""Training on votes, begun by one press: the votes as data, the run, and the answers that are voted on next."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from playground.config import codec
from playground.config.voting import VotingSettings
from playground.data.parts import Part
from playground.errors import NotAllowed, PlaygroundError, RunError
from playground.evaluation.answers import asked_text
from playground.jobs import chain
from playground.models.lineage import lineage_of
from playground.ui.identity import Person, check_owner
from playground.ui.leading import Leader
from playground.voting import lessons, planning
from playground.voting.arena import MODEL, RUN, Arena
from playground.voting.ballots import Vote
from playground.voting.lessons import Lesson, Method
from playground.voting.planning import Asking
from playground.voting.preferences import Preferences, preferences
from playground.voting.win_rates import win_rate

if TYPE_CHECKING:
    from playground.ui.services import Services

Standing = Literal["going", "paused", "done", "stopped", "failed"]
"""`paused`: nobody leads it any more, for the app was started anew; it goes on when its person says so."""
STOPPED = "You stopped it."
NEW_QUESTIONS = 5
"""Rows that were not voted on, below which those held out from the votes are asked again instead."""


class Lessons:
    """One per app. A person has at most one going on at a time."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._leader: Leader[Lesson] = Leader(services, lambda one: lessons.save(one, services.store), "lesson")

    def begin(
        self, known: Person, arena: Arena, settings: VotingSettings, votes: Sequence[Vote], *, method: Method,
        pupil: str, everybody: bool,
    ) -> Lesson:  # fmt: skip
        """Makes data of the votes and begins to train on it.

        Args:
            pupil: the contestant that is trained further; empty for the one that was preferred most.

        Raises:
            DataError: the votes are too few, or decide nothing.
            NotAllowed: the person may not train that model.
            Busy: a lesson of theirs goes on, or they have as many jobs as one person may have.
            PlaygroundError: the model cannot be trained further.
        """
        found = preferences(votes)
        planning.check_enough(found)
        offered = pupils(self._services, arena, votes, known)
        pupil = pupil or offered[0]
        if pupil not in offered:
            raise NotAllowed("That model cannot be trained by you from here; choose another one of those voted on.")
        evaluated = _evaluated(arena, votes)
        asking = _asking(self._services, settings, evaluated, found, known)
        told = {"everybody": everybody, "votes": len(votes), "voters": len({vote.owner for vote in votes})}
        told |= {"rows": len(found.rows), "tied": found.tied, "held_out": found.held_out(planning.HELD_OUT)}
        before = win_rate(pupil if method == "dpo" else f"{RUN}{evaluated}", votes)
        lesson = Lesson(
            id=lessons.new_id(),
            owner=known.owner,
            source=arena.source,
            method=method,
            pupil=pupil,
            stages=planning.steps(method, pupil, evaluated, found, found.keep(), asking),
            votes=told,
            before=before.to_json() if before else None,
            fresh=bool(asking.questions),
        )
        self._leader.lead(known.owner, lesson, known)
        return lesson

    def go_on(self, known: Person, lesson: str) -> None:
        """Goes on with a lesson, from its first step that is not done.

        Raises:
            RunError: there is none, or it is done; or its next step cannot be begun.
            NotAllowed: it is someone else's.
            Busy: as for `begin`.
        """
        last = self._own(known, lesson)
        if last.state == "done":
            raise RunError("That lesson is done; vote on what came of it, or begin another one.")
        self._leader.lead(last.owner, chain.again(last, self._services.store), known)

    def stop(self, known: Person, lesson: str) -> None:
        """Ends a lesson; the run under way stops at its next step and keeps what it has learnt.

        Raises:
            RunError: there is none that goes on.
            NotAllowed: it is someone else's.
        """
        last = self._own(known, lesson)
        led = self._leader.led(last.owner)
        if led is None or led.chain.id != lesson:
            raise RunError("That lesson does not go on; there is nothing to stop.")
        self._leader.stop(last.owner, STOPPED)

    def of(self, source: str) -> list[tuple[Standing, Lesson, str]]:
        """Lessons whose votes or new pairs are of a source, the newest first: how each stands, and why it waits."""
        found = [one for one in lessons.listed(self._services.store) if source in (one.source, one.next_source)]
        return [self._standing(lesson) for lesson in found]

    def stop_all(self, reason: str) -> None:
        """Ends everybody's lesson."""
        self._leader.stop_all(reason)

    def close(self) -> None:
        """Leads none any more; they can go on when the app is back."""
        self._leader.close()

    def _standing(self, lesson: Lesson) -> tuple[Standing, Lesson, str]:
        led = self._leader.led(lesson.owner)
        if led is not None and led.chain.id == lesson.id:
            return "going", led.chain, led.waits
        return "paused" if lesson.state == "going" else lesson.state, lesson, ""

    def _own(self, known: Person, lesson: str) -> Lesson:
        found = lessons.saved(lesson, self._services.store)
        check_owner(found.owner, known, "This lesson")
        return found


def pupils(services: "Services", arena: Arena, votes: Sequence[Vote], known: Person) -> list[str]:
    """The contestants that this person may train further, the one that was preferred most first.

    Raises:
        NotAllowed: there is none.
    """
    found = [name for name in arena.contestants if _trainable(services, name, known)]
    if not found:
        raise NotAllowed(
            "The models that were voted on belong to someone else, or cannot be trained further; the host can train "
            "them, and everybody can vote on runs of their own."
        )
    return sorted(found, key=lambda name: -_rate(name, votes))


def _trainable(services: "Services", name: str, known: Person) -> bool:
    try:
        if name.startswith(RUN):
            run = name.removeprefix(RUN)
            check_owner(services.store.get(run).owner, known)
            lineage_of(codec.decode({"model": {"run": run}}).model)
    except PlaygroundError:  # someone else's, a saved step, a soft prompt, or gone
        return False
    return name.startswith(RUN) or known.host or _in_catalogue(name.removeprefix(MODEL))


def _in_catalogue(model: str) -> bool:
    from playground.models import catalogue

    return catalogue.find(model) is not None


def _rate(name: str, votes: Sequence[Vote]) -> float:
    found = win_rate(name, votes)
    return found.rate if found else 0.0


def _evaluated(arena: Arena, votes: Sequence[Vote]) -> str:
    """The run that was preferred most; a reward model can judge it, and it has held-out rows to ask."""
    runs = [name for name in arena.contestants if name.startswith(RUN)]
    return max(runs, key=lambda name: _rate(name, votes)).removeprefix(RUN).partition("@")[0]


def _asking(
    services: "Services", settings: VotingSettings, evaluated: str, found: Preferences, known: Person
) -> Asking:
    """What is asked in the next round: rows that nobody has voted on, as far as this person may use them."""
    questions, split, generation = settings.questions or evaluated, "test", codec.encode_section(settings.generation)
    if settings.evaluation:
        document = services.store.get(settings.evaluation).document
        questions = str(document.get("questions") or document["run"])
        split, generation = str(document["split"]), document["generation"]
    own = Asking("", "test", generation)
    try:
        record = services.store.get(questions)
        check_owner(record.owner, known)
        splits = services.shelf.splits(codec.decode(record.document).data)
    except PlaygroundError:  # someone else's, or its rows are gone
        return own
    part: Part = "validation" if split == "test" and not splits.test else split  # type: ignore[assignment]
    voted = {" ".join(f"{row['instruction']} {row['input']}".split()) for row in found.rows}
    new = [row for row in splits.part(part) if row.kind != "text" and asked_text(row) not in voted]
    return Asking(questions, part, generation) if len(new) >= NEW_QUESTIONS else own
