"""Trainings on votes that are over, for pages and pictures of them."""

from typing import Any

from playground.voting.ballots import EVALUATION
from playground.voting.lessons import Lesson, Step


def finished_lesson(run: str, *, voted: str, taught: str, **changes: Any) -> Lesson:
    """A training on the votes of one evaluation that made a run, whose new pairs are those of another evaluation."""
    rate = {
        "rate": 0.25,
        "interval": [0.1, 0.5],
        "wins": 3,
        "ties": 0,
        "losses": 9,
        "votes": 12,
        "pairs": 12,
        "voters": 2,
    }
    given: dict[str, Any] = {
        "id": "lesson-abc234", "owner": "", "source": f"{EVALUATION}{voted}", "method": "dpo", "pupil": "model:tiny",
        "stages": (Step("train", "run", {}), Step("answers", "evaluation", {}, {"run": "train"})),
        "votes": {"everybody": True, "votes": 12, "voters": 2, "rows": 12, "held_out": 2, "tied": 0}, "before": rate,
        "fresh": True, "jobs": {"train": run, "answers": taught}, "state": "done",
    }  # fmt: skip
    return Lesson(**given | changes)
