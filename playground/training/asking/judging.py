"""Answers as a person would read them, and what a reward says of them."""

from collections import Counter
from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerBase

from playground.config.rewards import RewardConfig, terms_of
from playground.errors import PlaygroundError, RunError
from playground.models.detokenise import AnswerText, decode
from playground.rewards.combined import Sum


def asked(reward: Sum, prompts: Sequence[str], answers: Sequence[str], step: int) -> list[list[float]]:
    """What each part of the reward says.

    Args:
        step: for what is said where it fails.

    Raises:
        RunError: the reward failed, or gave something that is no number.
        Cancelled: the run was stopped meanwhile.
    """
    try:
        return reward.each(prompts, answers)
    except PlaygroundError as error:
        if type(error) is not PlaygroundError:
            raise  # it says what it is: Cancelled, OutOfMemory, ModelError
        raise RunError(f"The reward failed at update {step}: {error}") from error
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise RunError(
            f"The reward failed at update {step} with {type(error).__name__}: {error}. What was learnt up to the last "
            "checkpoint is kept."
        ) from error


def prompt_text(tokenizer: PreTrainedTokenizerBase, prompt: list[int]) -> str:
    """A prompt's text as it was before it became tokens: a template's special tokens stay, since a reward model may
    have been trained on them, and what the tokenizer itself puts in front goes."""
    front = list(tokenizer("")["input_ids"])
    return decode(tokenizer, prompt[len(front) :] if prompt[: len(front)] == front else prompt, special=True)


def answer_text(tokenizer: PreTrainedTokenizerBase, prompt: list[int], answer: list[int]) -> str:
    """An answer's text as it stands behind its prompt."""
    text = AnswerText(tokenizer, prompt)
    text.ids = answer
    return text.whole()


def means_by_kind(reward: RewardConfig, parts: Sequence[Sequence[float]]) -> dict[str, float]:
    """The mean of each part of a weighted sum, before its weight, as `reward/KIND`; two of a kind are numbered. Nothing
    for a reward that is no sum.

    Args:
        parts: as `asked` gives them.
    """
    terms = terms_of(reward)
    if len(terms) == 1:
        return {}
    found: dict[str, float] = {}
    seen: Counter[str] = Counter()
    for term, values in zip(terms, parts, strict=True):
        kind = term.reward.kind
        seen[kind] += 1
        found[f"reward/{kind}_{seen[kind]}" if seen[kind] > 1 else f"reward/{kind}"] = sum(values) / len(values)
    return found
