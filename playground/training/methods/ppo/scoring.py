"""Score: what the reward says of the answers, as a person would read them."""

from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from playground.rewards.combined import Sum
from playground.training.asking.judging import answer_text, asked, prompt_text
from playground.training.methods.ppo.rollout import Rollouts


class Scores(NamedTuple):
    """What B answers earned."""

    total: Tensor
    """(B,): what the policy learns from, penalties for missing ends taken off."""
    raw: Tensor
    """(B,): the reward alone."""
    parts: list[list[float]]
    """Of each part of a weighted sum, its own numbers before its weight."""
    prompts: list[str]
    answers: list[str]
    """The texts that were scored; answers without special tokens."""


def score(
    reward: Sum, rollouts: Rollouts, tokenizer: PreTrainedTokenizerBase, missing_eos_penalty: float, step: int
) -> Scores:
    """Asks the reward for a number per answer.

    Args:
        step: of the update, for what is said where it fails.

    Raises:
        RunError: the reward failed, or gave something that is no number.
        Cancelled: the run was stopped meanwhile.
    """
    rows = range(len(rollouts.ids))
    prompts = [prompt_text(tokenizer, rollouts.prompt_ids(row)) for row in rows]
    answers = [answer_text(tokenizer, rollouts.prompt_ids(row), rollouts.answer_ids(row)) for row in rows]
    parts = asked(reward, prompts, answers, step)
    raw = torch.tensor(reward.of(parts), dtype=torch.float32)
    total = raw - missing_eos_penalty * (~rollouts.ended).cpu().float()
    device = rollouts.ids.device
    return Scores(total.to(device), raw.to(device), parts, prompts, answers)
