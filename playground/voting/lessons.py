"""Training on votes, kept on disk: which jobs it has begun, what the votes said before, and where the next ones are.

One file per lesson, in the home. The jobs themselves are in the store, as all others; a lesson is a `jobs.chain`.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from playground.errors import RunError
from playground.runs.records import JobKind
from playground.runs.standing import Standing
from playground.runs.store import ALPHABET, RunStore
from playground.voting.ballots import EVALUATION

Method = Literal["dpo", "reward"]
TRAIN, ANSWERS = "train", "answers"
"""Stages: the run that learns from the votes, and the evaluation whose answers come of it."""
FOLDER = "lessons"
_ID = re.compile(f"lesson-[{ALPHABET}]{{6}}")


@dataclass(frozen=True)
class Step:
    """One job of a lesson."""

    name: str
    kind: JobKind
    settings: Mapping[str, Any]
    """Of the job, as JSON values."""
    after: Mapping[str, str] = field(default_factory=dict)
    """Settings that name the job of an earlier step: setting to step."""

    def document(self, jobs: Mapping[str, str]) -> dict[str, Any]:
        """The job's settings, with the ids of the jobs it builds on."""
        return {**self.settings, **{name: jobs[step] for name, step in self.after.items()}}


@dataclass(frozen=True)
class Lesson(Standing):
    """A model's training on votes as it stands."""

    id: str
    owner: str
    """As of its jobs."""
    source: str
    """Of the pairs that were voted on."""
    method: Method
    pupil: str
    """The contestant that is trained further, or whose words the reward model starts with."""
    stages: tuple[Step, ...]
    votes: Mapping[str, Any]
    """Whose votes and how many: `everybody`, `votes`, `voters`, `rows`, `held_out`, `tied`."""
    before: Mapping[str, Any] | None
    """The pupil's win rate among these votes, as `WinRate.to_json`; None where nobody voted on it."""
    fresh: bool
    """Whether the questions of the next round are new; else they are those held out from the votes."""

    @property
    def next_source(self) -> str:
        """Of the pairs of the new model and the old; empty before they are there, and where nothing new writes."""
        if self.method == "reward" or self.state != "done":
            return ""
        return f"{EVALUATION}{self.jobs[ANSWERS]}"


def new_id() -> str:
    """One that no other lesson has."""
    return "lesson-" + "".join(secrets.choice(ALPHABET) for _ in range(6))


def save(lesson: Lesson, store: RunStore) -> None:
    """Keeps a lesson as it stands.

    Raises:
        RunError: the file cannot be written.
    """
    lesson.keep(store.home / FOLDER / f"{lesson.id}.json")


def saved(lesson: str, store: RunStore) -> Lesson:
    """A lesson by its id.

    Raises:
        RunError: there is none, or its file cannot be read any more.
    """
    found = _read(lesson, store) if _ID.fullmatch(lesson) else None
    if found is None:
        raise RunError(f"There is no lesson {lesson!r} here any more; train on the votes anew.")
    return found


def listed(store: RunStore) -> list[Lesson]:
    """All lessons that can be read, the newest first."""
    names = [path.stem for path in (store.home / FOLDER).glob("lesson-*.json")]
    found = [lesson for name in names if (lesson := _read(name, store)) is not None]
    return sorted(found, key=lambda lesson: -lesson.begun)


def _read(lesson: str, store: RunStore) -> Lesson | None:
    try:
        document: dict[str, Any] = json.loads((store.home / FOLDER / f"{lesson}.json").read_text(encoding="utf-8"))
        return Lesson(**{**document, "stages": tuple(Step(**step) for step in document["stages"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
