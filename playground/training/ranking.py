"""How a reward model ranks held-out pairs at one step, as the figures of the live view show it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from playground.core.calibration import pair_calibration
from playground.data.records import Record
from playground.data.splits import Splits
from playground.runs.context import JobContext
from playground.runs.events import Snapshot

SCORES = "reward.scores"
WORST = "reward.worst"
POINTS = 400
"""Pairs of a snapshot at most, evenly spread over the held-out ones, so that it stays small."""
SHOWN = 6
"""Pairs that are shown with their texts."""
LETTERS = 400
"""Of an answer that is shown; longer ones lose their middle."""


class Ranking(NamedTuple):
    """The held-out pairs, in the order in which they are scored."""

    pairs: Sequence[Record]

    @classmethod
    def of(cls, splits: Splits, rows: Sequence[int]) -> "Ranking":
        """The pairs at these rows of the source."""
        by_row = {record.row: record for record in (*splits.validation, *splits.test)}
        return cls([by_row[row] for row in rows])

    def tell(self, step: int, chosen: torch.Tensor, rejected: torch.Tensor, context: JobContext) -> None:
        """Emits all pairs' scores with their calibration, and the pairs that are ranked most wrongly.

        Args:
            chosen, rejected: (B,) in the order of the pairs.
        """
        context.emit(Snapshot(step, SCORES, _scores(chosen, rejected)))
        context.emit(Snapshot(step, WORST, {"pairs": self._worst(chosen, rejected)}))

    def _worst(self, chosen: torch.Tensor, rejected: torch.Tensor) -> list[dict[str, Any]]:
        places = torch.argsort(chosen - rejected, stable=True)[:SHOWN].tolist()
        return [
            {
                "row": self.pairs[place].row,
                "prompt": self.pairs[place].question,
                "chosen": _short(self.pairs[place].answer),
                "rejected": _short(self.pairs[place].rejected),
                "scores": [round(chosen[place].item(), 4), round(rejected[place].item(), 4)],
            }
            for place in places
        ]


def _scores(chosen: torch.Tensor, rejected: torch.Tensor) -> dict[str, Any]:
    calibration = pair_calibration(chosen - rejected)
    some = torch.linspace(0, len(chosen) - 1, min(POINTS, len(chosen))).round().long()
    return {
        "pairs": len(chosen),
        "right": int((chosen > rejected).sum()),
        "chosen": _rounded(chosen[some]),
        "rejected": _rounded(rejected[some]),
        "bins": [[round(found.confidence, 4), round(found.accuracy, 4), found.pairs] for found in calibration.bins],
        "error": round(calibration.error, 4),
    }


def _rounded(scores: torch.Tensor) -> list[float]:
    return [round(value, 4) for value in scores.tolist()]


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS // 2].rstrip()} … {text[-LETTERS // 2 :].lstrip()}"
