"""How far a policy has gone from its reference, told on its own answers to held-out prompts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from playground.config.generation import GenerationSettings
from playground.core.divergence import divergence
from playground.models.detokenise import decode
from playground.models.generation import Answer, generate
from playground.rewards.reward import Reward, scored
from playground.runs.context import JobContext
from playground.training.reference import Reference


@dataclass(frozen=True)
class Drift:
    """Answers the same prompts again and again, with the same random numbers, so that only the policy makes a
    difference."""

    policy: Any
    reference: Reference
    tokenizer: PreTrainedTokenizerBase
    prompts: Sequence[list[int]]
    settings: GenerationSettings
    context: JobContext
    judge: Reward | None = None
    """Scores the answers, if any."""

    def look(self, step: int) -> dict[str, float]:
        """`objective/kl`: KL(π ‖ π_ref) of whole answers in nats, the mean over prompts, each answered once from π; and
        `objective/scores`: the judge's mean score of the same answers.

        Raises:
            Cancelled: the run was asked to stop.
        """
        answers = generate(self.policy, self.tokenizer, self.prompts, self.settings, stop=self.context.stop)
        found = {"objective/kl": _mean([self._of(*pair) for pair in zip(self.prompts, answers, strict=True)])}
        if self.judge is not None:
            prompts = [_text(self.tokenizer, prompt) for prompt in self.prompts]
            found["objective/scores"] = _mean(scored(self.judge, prompts, [answer.text for answer in answers]))
        return found

    def _of(self, prompt: list[int], answer: Answer) -> float:
        ids = torch.tensor([prompt + answer.ids], device=self.policy.device)
        kept = {"use_cache": False, "logits_to_keep": len(answer.ids) + 1}
        given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **kept}
        ours = self.policy(**given).logits[0, :-1]
        with self.reference.model() as reference:
            theirs = reference(**given).logits[0, :-1]
        return float(divergence(ours, theirs).sum())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _text(tokenizer: PreTrainedTokenizerBase, prompt: list[int]) -> str:
    """A prompt as it was before it became tokens: a template's special tokens stay, what the tokenizer puts in front
    goes."""
    front = list(tokenizer("")["input_ids"])
    return decode(tokenizer, prompt[len(front) :] if prompt[: len(front)] == front else prompt, special=True)


def drawing(tokens: int) -> GenerationSettings:
    """From the model's own distribution, nothing cut: of any other the divergence would be another."""
    return GenerationSettings(strategy="sampling", max_new_tokens=tokens)


def different_prompts(rows: Dataset, count: int, longest: int) -> list[list[int]]:
    """The first `count` different `prompt_ids` of at most `longest` tokens."""
    found: dict[tuple[int, ...], None] = {}
    for prompt in rows["prompt_ids"]:
        if len(found) == count:
            break
        if prompt and len(prompt) <= longest:
            found[tuple(prompt)] = None
    return [list(prompt) for prompt in found]
