"""What each token of an answer earns by the policy's own measure: log(π/π_ref), the implicit reward once times β."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from playground.core.losses import IGNORED, token_logps
from playground.data.inspection import spelled
from playground.models.detokenise import decode
from playground.runs.context import JobContext
from playground.runs.events import Snapshot
from playground.training.reference import Reference

PAIRS = 4
TOKENS_SHOWN = 220
"""Of each answer: two of them, with their numbers, make a snapshot of some 9 kB."""
PROMPT_LETTERS = 600
DIGITS = 4
FIGURE = "dpo.tokens"


class Answer(NamedTuple):
    """One side of a pair."""

    ids: list[int]
    texts: list[str]
    """Of the tokens that are shown."""


class Pair(NamedTuple):
    """A pair that is looked at again and again."""

    prompt_ids: list[int]
    prompt: str
    chosen: Answer
    rejected: Answer


@dataclass(frozen=True)
class TokenLens:
    """Tells of a few fixed pairs how the policy has moved away from the reference, token by token."""

    policy: Any
    reference: Reference
    pairs: Sequence[Pair]
    beta: float
    context: JobContext

    def look(self, step: int) -> dict[str, float]:
        """One snapshot per pair; no metrics."""
        for index, pair in enumerate(self.pairs):
            data = {
                "index": index,
                "pairs": len(self.pairs),
                "beta": self.beta,
                "prompt": pair.prompt,
                "chosen": self._side(pair.prompt_ids, pair.chosen),
                "rejected": self._side(pair.prompt_ids, pair.rejected),
            }
            self.context.emit(Snapshot(step, FIGURE, data))
        return {}

    def _side(self, prompt: list[int], answer: Answer) -> dict[str, Any]:
        ratios = self.ratios(prompt, answer.ids)
        shown = ratios[: len(answer.texts)].tolist()
        return {
            "tokens": answer.texts,
            "ratios": [round(ratio, DIGITS) for ratio in shown],
            "sum": round(float(ratios.sum()), DIGITS),
            "count": len(answer.ids),
        }

    def ratios(self, prompt: list[int], answer: list[int]) -> Tensor:
        """log(π/π_ref) of each token of the answer, in nats: (n,), on the CPU."""
        ids = torch.tensor([prompt + answer], device=self.policy.device)
        labels = ids.clone()
        labels[:, : len(prompt)] = IGNORED
        given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "use_cache": False}
        ours = token_logps(self.policy(**given).logits, labels)
        with self.reference.model() as reference:
            theirs = token_logps(reference(**given).logits, labels)
        return (ours - theirs)[0, -len(answer) :].cpu()


def fixed_pairs(rows: Dataset, tokenizer: PreTrainedTokenizerBase) -> list[Pair]:
    """The first few rows of `prompt_ids`, `chosen_ids`, `rejected_ids`."""

    def answer(ids: list[int]) -> Answer:
        return Answer(ids, [text for text, _, _ in spelled(ids[:TOKENS_SHOWN], tokenizer)])

    return [
        Pair(
            row["prompt_ids"],
            decode(tokenizer, row["prompt_ids"])[-PROMPT_LETTERS:],
            answer(row["chosen_ids"]),
            answer(row["rejected_ids"]),
        )
        for row in rows.select(range(min(PAIRS, len(rows))))
    ]
