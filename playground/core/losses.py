"""Losses of learning from pairs, a preferred answer beside a rejected one, in pure torch.

B pairs; all that comes in and goes out is of shape (B,) unless said otherwise. "Log-probability of an answer" is the
sum over its tokens of log π(token | what came before), the prompt's own tokens left out.
"""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from playground.errors import PlaygroundError

IGNORED = -100
"""Label of a token that is not in the loss, by torch's and transformers' convention."""

PreferenceLoss = Literal[
    "sigmoid", "ipo", "hinge", "robust", "exo_pair", "nca_pair", "bco_pair", "sppo_hard", "apo_zero", "apo_down"
]
"""Losses over implicit rewards, by TRL's names; `dpo_loss` gives each one's source."""


class RewardLoss(NamedTuple):
    """What a batch of scored pairs costs a reward model."""

    total: Tensor
    """Scalar, with gradient."""
    margin: Tensor
    """Score of the preferred answer less that of the rejected one."""
    accuracy: Tensor
    """Scalar: share of the pairs that are ranked right."""


class DPOLoss(NamedTuple):
    """What a batch of pairs costs a policy."""

    total: Tensor
    """Scalar, with gradient: the mean over pairs."""
    per_pair: Tensor
    chosen_rewards: Tensor
    """Implicit rewards β·log(π/π_ref), without gradient, as are those below."""
    rejected_rewards: Tensor

    @property
    def margin(self) -> Tensor:
        """Implicit reward of the preferred answer less that of the rejected one."""
        return self.chosen_rewards - self.rejected_rewards

    @property
    def accuracy(self) -> Tensor:
        """Scalar: share of the pairs whose preferred answer has the higher implicit reward."""
        return (self.margin > 0).float().mean()


def reward_loss(chosen: Tensor, rejected: Tensor, *, margin: Tensor | None = None, centre: float = 0.0) -> RewardLoss:
    """Negative log-likelihood of the preferences under Bradley and Terry (1952): the mean of −log σ(r_c − r_r − m).

    It knows differences only: a constant added to all scores changes nothing, unless `centre` pulls them to zero.

    Args:
        chosen: scores of the preferred answers.
        rejected: scores of the rejected ones.
        margin: how much better each preferred answer is at least (Llama 2, Touvron et al. 2023, eq. 2).
        centre: weight of the mean of (r_c + r_r)², which keeps scores around zero (Eisenstein et al. 2023).
    """
    difference = chosen - rejected
    loss = -logsigmoid(difference if margin is None else difference - margin).mean()
    if centre:
        loss = loss + centre * (chosen + rejected).square().mean()
    return RewardLoss(loss, difference.detach(), (difference > 0).float().mean())


class ORPOLoss(NamedTuple):
    """What a batch of pairs costs a policy that learns to write and to prefer at once."""

    total: Tensor
    """Scalar, with gradient: likelihood + weight · odds."""
    likelihood: Tensor
    """Scalar: mean negative log-likelihood per token of the preferred answers, in nats."""
    odds: Tensor
    """Scalar: mean of −log σ(log odds ratio)."""
    log_odds_ratio: Tensor
    """Without gradient; above 0 where the preferred answer has the higher odds per token."""


def orpo_loss(
    chosen: Tensor, rejected: Tensor, chosen_tokens: Tensor, rejected_tokens: Tensor, *, weight: float
) -> ORPOLoss:
    """Odds ratio preference optimisation (Hong et al. 2024, arXiv:2403.07691, eq. 6 and 7): no reference is needed.

    With p the geometric mean of an answer's token probabilities and odds = p / (1 − p), the preferred answers are
    learnt as in SFT, and their odds are raised over those of the rejected ones.

    Args:
        chosen, rejected: log-probabilities of the answers under the policy.
        chosen_tokens, rejected_tokens: the answers' lengths.
        weight: λ of the paper.
    """
    up, down = chosen / chosen_tokens.clamp(min=1), rejected / rejected_tokens.clamp(min=1)
    ratio = up - down - (_log_complement(up) - _log_complement(down))
    likelihood, odds = -chosen.sum() / chosen_tokens.sum().clamp(min=1), -logsigmoid(ratio).mean()
    return ORPOLoss(likelihood + weight * odds, likelihood.detach(), odds.detach(), ratio.detach())


def _log_complement(logp: Tensor) -> Tensor:
    """log(1 − p) from log p; a certain answer is held a hair below 1, where the odds would be infinite."""
    return torch.log1p(-torch.exp(logp.clamp(max=-1e-7)))


def sequence_logps(logits: Tensor, labels: Tensor) -> Tensor:
    """Log-probability of each answer.

    Args:
        logits: (B, length, vocabulary) at every position of prompt and answer.
        labels: (B, length) token ids of the answer, `IGNORED` at the prompt and at padding.
    """
    return token_logps(logits, labels).sum(dim=-1)


def token_logps(logits: Tensor, labels: Tensor) -> Tensor:
    """log π(token | what came before) at each position but the first; 0 where the label is `IGNORED`.

    Args:
        logits, labels: as `sequence_logps`.

    Returns:
        (B, length − 1): entry t is of the token at t + 1.
    """
    following = labels[:, 1:]
    kept = following != IGNORED
    places = following.masked_fill(~kept, 0).unsqueeze(-1)
    found = torch.log_softmax(logits[:, :-1].float(), dim=-1).gather(-1, places).squeeze(-1)
    return found.masked_fill(~kept, 0.0)


def dpo_loss(
    chosen: Tensor,
    rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    *,
    beta: float,
    kind: PreferenceLoss = "sigmoid",
    label_smoothing: float = 0.0,
    chosen_tokens: Tensor | None = None,
    rejected_tokens: Tensor | None = None,
) -> DPOLoss:
    """Direct preference optimisation: a policy learns from pairs without a reward model or sampling.

    The policy's own log(π/π_ref), times β, is the reward under which it would be the optimum of "expected reward less
    β times the KL divergence from the reference" (Rafailov et al. 2023, eq. 5). With ρ_c and ρ_r for log(π/π_ref) of
    the two answers and Δ = ρ_c − ρ_r, the loss of a pair is

    ============ ==================================================== ==============================================
    `sigmoid`    −log σ(βΔ)                                           DPO, Rafailov et al. 2023, eq. 7
    `ipo`        (ρ_c/n_c − ρ_r/n_r − 1/(2β))²                        IPO, Azar et al. 2023, eq. 17, per token
    `hinge`      max(0, 1 − βΔ)                                       SLiC, Zhao et al. 2023; RSO, Liu et al. 2023
    `robust`     (−(1−ε) log σ(βΔ) + ε log σ(−βΔ)) / (1 − 2ε)         Chowdhury et al. 2024, eq. 10
    `exo_pair`   KL(softmax(β(ρ_c, ρ_r)) ‖ (1−ε, ε))                  EXO, Ji et al. 2024, eq. 16
    `nca_pair`   −log σ(βρ_c) − ½ log σ(−βρ_c) − ½ log σ(−βρ_r)       NCA, Chen et al. 2024
    `bco_pair`   −log σ(βρ_c) − log σ(−βρ_r)                          BCO, Jung et al. 2024, without its shift
    `sppo_hard`  (ρ_c − 1/(2β))² + (ρ_r + 1/(2β))²                    SPPO, Wu et al. 2024, with certain preferences
    `apo_zero`   1 − σ(βρ_c) + σ(βρ_r)                                APO, D'Oosterlinck et al. 2024, eq. 7
    `apo_down`   σ(βρ_c) + 1 − σ(βΔ)                                  APO, eq. 8
    ============ ==================================================== ==============================================

    Args:
        chosen, rejected: log-probabilities of the answers under the policy.
        reference_chosen, reference_rejected: the same under the reference, without gradient.
        beta: how much moving away from the reference costs; for `ipo` its τ.
        label_smoothing: ε, the share of preferences taken to be wrong; of `robust` and `exo_pair`.
        chosen_tokens, rejected_tokens: n, the answers' lengths; `ipo` needs them.

    Raises:
        PlaygroundError: `beta` or `label_smoothing` is out of range, or lengths are missing.
    """
    _check(beta, kind, label_smoothing)
    up, down = chosen - reference_chosen, rejected - reference_rejected
    delta = beta * (up - down)
    match kind:
        case "sigmoid":
            loss = -logsigmoid(delta)
        case "ipo":
            if chosen_tokens is None or rejected_tokens is None:
                raise PlaygroundError("ipo is per token and needs the lengths of both answers.")
            loss = (up / chosen_tokens.clamp(min=1) - down / rejected_tokens.clamp(min=1) - 1 / (2 * beta)).square()
        case "hinge":
            loss = torch.relu(1 - delta)
        case "robust":
            right, wrong = (1 - label_smoothing) * logsigmoid(delta), label_smoothing * logsigmoid(-delta)
            loss = (wrong - right) / (1 - 2 * label_smoothing)
        case "exo_pair":
            right = torch.sigmoid(delta) * (logsigmoid(delta) - math.log1p(-label_smoothing))
            wrong = torch.sigmoid(-delta) * (logsigmoid(-delta) - math.log(label_smoothing))
            loss = right + wrong
        case "nca_pair":
            loss = -logsigmoid(beta * up) - (logsigmoid(-beta * up) + logsigmoid(-beta * down)) / 2
        case "bco_pair":
            loss = -logsigmoid(beta * up) - logsigmoid(-beta * down)
        case "sppo_hard":
            loss = (up - 1 / (2 * beta)).square() + (down + 1 / (2 * beta)).square()
        case "apo_zero":
            loss = 1 - torch.sigmoid(beta * up) + torch.sigmoid(beta * down)
        case "apo_down":
            loss = torch.sigmoid(beta * up) + 1 - torch.sigmoid(delta)
    return DPOLoss(loss.mean(), loss, (beta * up).detach(), (beta * down).detach())


def _check(beta: float, kind: PreferenceLoss, label_smoothing: float) -> None:
    if beta <= 0:
        raise PlaygroundError(f"beta must be above 0; got {beta:g}.")
    if not 0 <= label_smoothing < 0.5:
        raise PlaygroundError(f"label_smoothing must be at least 0 and below 0.5; got {label_smoothing:g}.")
    if kind == "exo_pair" and not label_smoothing:
        raise PlaygroundError("exo_pair needs a label_smoothing above 0: its target must give both answers a share.")
