"""What the live figures of PPO are drawn from: the data of `Snapshot` events, each below 16 kB of JSON.

| name            | figure                                                       | data                |
|-----------------|--------------------------------------------------------------|---------------------|
| `ppo.reference` | what the prompts have to offer near the reference            | `Reference`         |
| `ppo.clip`      | ratios of this update against 1 ± ε, by the advantage's sign | `Clip`              |
| `ppo.rollouts`  | some answers, token by token                                 | `RolloutTable`      |
| `ppo.action`    | π_ref, π and the optimum π* of one token, where answers are one token long | `Action` |

The first comes once, before the first update; the others at the first update, the last, and every so many in between
that a run has about a hundred.
"""

import math
from collections.abc import Sequence
from typing import TypedDict

import torch
from torch import Tensor

from playground.training.methods.ppo.experience import Experience
from playground.training.methods.ppo.metrics import epoch_kls
from playground.training.methods.ppo.scoring import Scores
from playground.training.methods.ppo.update import Updated

REFERENCE, CLIP, ROLLOUTS, ACTION = "ppo.reference", "ppo.clip", "ppo.rollouts", "ppo.action"
ABOUT = 100
"""Snapshots of each kind in a run."""
DOTS = 400
SHOWN_ROLLOUTS = 8
SHOWN_TOKENS = 208
"""Of all rollouts of a table together."""
PROMPT_LETTERS, ANSWER_LETTERS = 200, 400
BINS = 40
WIDEST = 1.0
"""The histogram's ends: log ratios of ± this; what lies beyond counts in the outermost bins."""
DIGITS = 4


class Reference(TypedDict):
    """`ppo.reference`"""

    scores: list[list[float]]
    """Of several answers of the reference to each of some prompts."""


class Dots(TypedDict):
    """Tokens of this update, a sample of at most `DOTS`; lists of equal length."""

    ratio: list[float]
    """π / π_old, as last seen in the update."""
    advantage: list[float]
    """As the policy loss took it."""
    token: list[str]
    row: list[int]
    """Which answer of the update, from 0."""
    position: list[int]
    """Which token of the answer, from 0."""


class Histogram(TypedDict):
    """How many tokens have a ratio in each bin; all tokens of the update."""

    edges: list[float]
    """`BINS` + 1 ratios, equally far apart in their logarithm."""
    counts: list[int]


class Clip(TypedDict):
    """`ppo.clip`"""

    clip_range: float
    """ε"""
    dots: Dots
    histogram: Histogram
    epoch_kl: list[float]
    """Approximate KL from the policy that drew the answers, nats per token, by epoch of this update."""
    ended_early: bool
    """Whether `max_update_kl` ended the update."""
    minibatches: int
    """Steps of the optimiser taken."""


class RolloutRow(TypedDict):
    """One answer; the lists go by `tokens`. Of a long one some before the last are left out, as the last is scored."""

    row: int
    """Which answer of the update, from 0."""
    prompt: str
    answer: str
    tokens: list[str]
    tokens_left_out: int
    tokens_at_end: int
    """How many of `tokens` stand behind those left out."""
    ended: bool
    """By its own end-of-sequence token."""
    score: float
    """What it learnt from: the reward, less a penalty for a missing end."""
    reward: float
    """The reward alone."""
    kl: float
    """Σ log(π/π_ref), nats."""
    advantage: list[float]
    log_ratio: list[float]
    """log(π/π_ref)"""
    value: list[float]
    """What the value function expected before the token."""
    token_reward: list[float]
    """-β·log(π/π_ref), and on the last token the score too."""
    returns: list[float]
    """What came from this token on, as the value function was to learn it."""


class RolloutTable(TypedDict):
    """`ppo.rollouts`: the best, the worst, and first ones of the others."""

    beta: float
    rows: list[RolloutRow]


class Action(TypedDict):
    """`ppo.action`: the likeliest tokens after one fixed prompt, and what they earn. Probabilities are over `tokens`
    and everything else together, so that each list may sum to less than 1."""

    prompt: str
    beta: float
    tokens: list[str]
    reward: list[float]
    reference: list[float]
    policy: list[float]
    optimum: list[float]
    """π* ∝ π_ref·exp(r/β)"""
    distance: float
    """Total variation between policy and optimum, 0 to 1, over all actions that were compared."""
    compared: int
    """How many tokens these are: the whole vocabulary, or the likeliest under the reference."""
    mass: float
    """What the reference gives to those compared; probabilities are renormalised over them."""


def is_due(step: int, last: int) -> bool:
    """Whether this update is among the hundred or so that are shown."""
    return step in (1, last) or step % math.ceil(last / ABOUT) == 0


def clip(
    experience: Experience,
    updated: Updated,
    names: Sequence[str],
    clip_range: float,
    generator: torch.Generator,
) -> Clip:
    """The clip plot.

    Args:
        names: the text of every token of the vocabulary.
        generator: picks the dots.
    """
    mask = experience.rollouts.mask.bool()
    places = mask.nonzero().cpu()
    shown = places[torch.randperm(len(places), generator=generator)[:DOTS].sort().values]
    at = (shown[:, 0], shown[:, 1])
    ratio = updated.ratio.cpu()
    logs = ratio[mask.cpu()].log().clamp(-WIDEST, WIDEST)
    return {
        "clip_range": clip_range,
        "dots": {
            "ratio": short(ratio[at].tolist()),
            "advantage": short(experience.advantages.cpu()[at].tolist()),
            "token": [names[token] for token in experience.rollouts.answers.cpu()[at].tolist()],
            "row": shown[:, 0].tolist(),
            "position": shown[:, 1].tolist(),
        },
        "histogram": {
            "edges": short(torch.linspace(-WIDEST, WIDEST, BINS + 1).exp().tolist()),
            "counts": [int(count) for count in torch.histc(logs.float(), BINS, -WIDEST, WIDEST).tolist()],
        },
        "epoch_kl": short(epoch_kls(updated.minibatches)),
        "ended_early": updated.ended_early,
        "minibatches": len(updated.minibatches),
    }


def rollout_table(experience: Experience, scores: Scores, names: Sequence[str], beta: float) -> RolloutTable:
    """The best answer, the worst, and the first of the others."""
    order = experience.scores.argsort(descending=True).tolist()
    chosen = list(dict.fromkeys([order[0], order[-1], *sorted(order[1:-1])]))[:SHOWN_ROLLOUTS]
    longest = max(1, SHOWN_TOKENS // len(chosen))
    return {
        "beta": beta,
        "rows": [_row(row, experience, scores, names, longest) for row in chosen],
    }


def _row(row: int, experience: Experience, scores: Scores, names: Sequence[str], longest: int) -> RolloutRow:
    rollouts, readings = experience.rollouts, experience.readings
    length = int(rollouts.lengths[row])
    left_out = max(0, length - longest)
    shown = torch.tensor([at for at in range(length) if not length - 1 - left_out <= at < length - 1])
    tokens = torch.tensor(rollouts.answer_ids(row))[shown].tolist()

    def values(of: Tensor) -> list[float]:
        return short(of[row].cpu()[shown].tolist())

    return {
        "row": row,
        "prompt": scores.prompts[row][-PROMPT_LETTERS:],
        "answer": scores.answers[row][:ANSWER_LETTERS],
        "tokens": [names[token] for token in tokens],
        "tokens_left_out": left_out,
        "tokens_at_end": 1 if left_out else 0,
        "ended": bool(rollouts.ended[row]),
        "score": round(float(scores.total[row]), 4),
        "reward": round(float(scores.raw[row]), 4),
        "kl": round(float(readings.log_ratio[row, :length].sum()), 4),
        "advantage": values(experience.advantages),
        "log_ratio": values(readings.log_ratio),
        "value": values(readings.values),
        "token_reward": values(experience.rewards),
        "returns": values(experience.returns),
    }


def short(numbers: Sequence[float]) -> list[float]:
    """Numbers as a figure needs them, and no longer than that."""
    return [float(f"{number:.{DIGITS}g}") for number in numbers]
