"""From votes to preferences that a reward model or DPO learns from: ties left out, conflicts left to the majority."""

import itertools
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.data import uploads
from playground.errors import DataError
from playground.voting.ballots import Vote, meetings_of


@dataclass(frozen=True)
class Preferences:
    """A data set of preferences, and what became of the pairs that were voted on."""

    rows: tuple[dict[str, str], ...]
    """`instruction`, `input`, `chosen`, `rejected`; nothing of who voted or which model wrote what."""
    tied: int
    """Pairs left out because as many people prefer the one as the other, or all see a tie."""
    template: dict[str, Any]
    """`data.template` and `data.custom_template` with which most of the answers were asked for."""

    @property
    def questions(self) -> tuple[int, ...]:
        """How many rows each question has, in their order."""
        asked = itertools.groupby(self.rows, key=lambda row: (row["instruction"], row["input"]))
        return tuple(len(list(rows)) for _, rows in asked)

    def held_out(self, share: float) -> int:
        """How many of the last rows to hold out for about this share of the questions, one at least and not all, so
        that no question is both learnt and held out; 0 where there are fewer than two."""
        asked = self.questions
        last = min(max(1, round(share * len(asked))), len(asked) - 1)
        return sum(asked[-last:]) if last > 0 else 0

    def keep(self) -> str:
        """Keeps the rows as an uploaded JSONL file and gives its source, for `data.source`.

        Raises:
            DataError: there is no row, or the file cannot be kept.
        """
        if not self.rows:
            raise DataError(
                "There is no preference to learn from yet: vote for A or B on at least one pair; ties teach nothing."
            )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "votes.jsonl"
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows), encoding="utf-8")
            return uploads.keep(path, f"votes-{len(self.rows)}-pairs.jsonl")


def preferences(votes: Sequence[Vote]) -> Preferences:
    """What most people prefer, pair by pair; those on one question stand together, in the order of the first votes."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    templates = []
    meetings = meetings_of(votes)
    for pair, given in meetings.items():
        lead = sum(vote.verdict == "first" for vote in given) - sum(vote.verdict == "second" for vote in given)
        if not lead:
            continue
        answers = pair.first_answer, pair.second_answer
        chosen, rejected = answers if lead > 0 else answers[::-1]
        row = {"instruction": pair.instruction, "input": pair.input, "chosen": chosen, "rejected": rejected}
        rows.setdefault((pair.instruction, pair.input), []).append(row)
        templates.append(pair.template)
    commonest = max(dict.fromkeys(templates), key=templates.count, default="{}")
    return Preferences(
        tuple(row for together in rows.values() for row in together),
        len(meetings) - len(templates),
        json.loads(commonest),
    )
