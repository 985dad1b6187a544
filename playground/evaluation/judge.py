"""Which of two answers a reward model prefers, over many prompts: every model's against the base's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.core.intervals import wilson
from playground.data.templates import render_question
from playground.errors import DataError
from playground.evaluation.answers import Answered
from playground.evaluation.judges import Verdict
from playground.runs.context import JobContext
from playground.runs.events import Progress

SAME = 1e-6
"""Scores nearer than this are equal: sums in another order differ by as much."""


@dataclass(frozen=True)
class WinRate:
    """How often a model's answer is preferred to the base's."""

    wins: int
    ties: int
    losses: int

    @property
    def total(self) -> int:
        """Pairs of answers."""
        return self.wins + self.ties + self.losses

    @property
    def rate(self) -> float:
        """Wins, and half of the ties, as a share of all."""
        return (self.wins + self.ties / 2) / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval by Wilson."""
        return wilson(self.rate, self.total)

    @property
    def may_be_noise(self) -> bool:
        """Whether an even split of the pairs is within the interval."""
        low, high = self.interval
        return low <= 0.5 <= high

    def to_json(self) -> dict[str, Any]:
        """As it stands in a result."""
        return {
            "win_rate": self.rate,
            "interval": list(self.interval),
            "wins": self.wins,
            "ties": self.ties,
            "losses": self.losses,
            "may_be_noise": self.may_be_noise,
        }


@dataclass(frozen=True)
class RewardJudge:
    """A finished reward model as judge. It reads text, so that its base and tokenizer may be others."""

    run: str

    def __call__(self, answered: Answered, context: JobContext) -> Verdict:
        """Scores everybody's answers to the same questions, each put into the judge's own template.

        The entry is `{"kind": "reward_model", "run", "name", "models": [{"id", "mean", "win_rate", "interval", "wins",
        "ties", "losses", "may_be_noise"}]}`; of the base, which stands first, there is the mean alone.

        Raises:
            ModelError: the judge cannot be loaded.
            DataError: the judge's template has no place for what a row asks.
            Cancelled: the job was asked to stop.
        """
        context.check()
        from playground.rewards.scoring import load_reward_model  # imports torch, which the page does without

        model = load_reward_model(self.run, report=context.emit, stop=context.stop)
        template = model.config.data.template_text
        prompts = [render_question(record, template, model.tokenizer).prompt for record in answered.records]
        scores: list[list[float]] = []
        for place, one in enumerate(answered.models):
            context.emit(Progress("judging", place, len(answered.models)))
            scores.append(model.score(prompts, one.texts, stop=context.stop))
        context.emit(Progress("judging", len(scores), len(scores)))
        base, ids = scores[0], [one.id for one in answered.models]
        models: list[dict[str, Any]] = [
            {"id": model_id, "mean": sum(own) / len(own)} for model_id, own in zip(ids, scores, strict=True)
        ]
        for entry, own in zip(models[1:], scores[1:], strict=True):
            entry.update(win_rate(base, own).to_json())
        rows = [dict(zip(ids, row, strict=True)) for row in zip(*scores, strict=True)]
        return Verdict({"kind": "reward_model", "run": model.run, "name": model.title, "models": models}, rows)


def win_rate(base: Sequence[float], other: Sequence[float]) -> WinRate:
    """Wins, ties and losses of `other`, pair by pair.

    Raises:
        DataError: there is no pair.
    """
    if not base:
        raise DataError("There is nothing to judge: at least one pair of answers is needed; got none.")
    gaps = [mine - its for mine, its in zip(other, base, strict=True)]
    wins, losses = sum(gap > SAME for gap in gaps), sum(gap < -SAME for gap in gaps)
    return WinRate(wins, len(gaps) - wins - losses, losses)
