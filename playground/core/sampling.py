"""From logits to the distribution a token is drawn from. Knows nothing of models, tokenizers or settings.

The order is that of transformers: repetition penalty, presence and frequency penalty (which transformers lacks, and
puts where it puts what it is given), temperature, top-k, top-p, min-p, typical-p; each cut looks at the probabilities
renormalised over what the cuts before it left. Every function takes logits (..., vocab) of any floating
type and gives the same type and shape; a cut token has the logit -inf. Computed in float64, `transform` is the
reference that the browser's own copy of this arithmetic is tested against.

Equal logits, where a choice between them is needed:
- temperature 0 takes the lowest token id, as `torch.argmax` does;
- top-k keeps every token that ties with the k-th, so more than k may stay;
- top-p goes through the tokens by descending logit and, among equals, by ascending token id, so that the lowest ids
  stay. As many equals stay as with transformers; which of them is undefined there, as its sort is not stable;
- min-p looks at each token alone, and typical-p at how surprising it is, so equals stay or go together.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from playground.errors import PlaygroundError

ARGMAX_BELOW = 1e-30
"""Temperatures below this count as 0: a quotient by them could overflow float32."""


class Distribution(NamedTuple):
    """What becomes of one position's logits; every tensor is float64 unless said otherwise."""

    probabilities: Tensor
    """(..., vocab) what a token is drawn from; sums to 1, and is 0 where a token was cut."""
    kept: Tensor
    """(..., vocab) bool: the token has a probability that was not cut. At temperature 0 only the argmax is kept."""
    raw: Tensor
    """(..., vocab) softmax of the logits as the model gave them."""
    tempered: Tensor
    """(..., vocab) after the penalties and temperature, before any cut; `probabilities` is this over the kept
    tokens, divided by `kept_mass`."""
    kept_mass: Tensor
    """(...) sum of `tempered` over the kept tokens, in (0, 1]."""
    entropy_nats: Tensor
    """(...) -Σ p ln p of `probabilities`; 0 for a single survivor, ln(n) for n equal ones."""
    effective_choices: Tensor
    """(...) exp(entropy): as many equally likely tokens would be as uncertain; from 1 to the kept tokens' number."""


def repetition_penalty(logits: Tensor, previous_ids: Tensor, penalty: float) -> Tensor:
    """Logits of the tokens in `previous_ids` (..., n), divided by `penalty` where positive and multiplied where
    negative, once however often they occur (Keskar et al. 2019, arXiv:1909.05858, in the sign-aware form of
    transformers). Above 1 discourages, below 1 encourages; ids outside the vocabulary are passed over.
    """
    vocabulary = logits.shape[-1]
    seen = torch.zeros(*logits.shape[:-1], vocabulary + 1, dtype=torch.bool, device=logits.device)
    seen = seen.scatter(-1, previous_ids.clamp(max=vocabulary), True)[..., :vocabulary]
    return torch.where(seen, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def occurrences(previous_ids: Tensor, vocabulary: int) -> Tensor:
    """How often each token is in `previous_ids` (..., n) -> (..., vocab) int64; ids outside the vocabulary are passed
    over."""
    counts = torch.zeros(*previous_ids.shape[:-1], vocabulary + 1, dtype=torch.long, device=previous_ids.device)
    ids = previous_ids.clamp(max=vocabulary)
    return counts.scatter_add(-1, ids, torch.ones_like(ids))[..., :vocabulary]


def presence_penalty(logits: Tensor, previous_ids: Tensor, penalty: float) -> Tensor:
    """Logits less `penalty` for every token in `previous_ids` (..., n), once however often it occurs (OpenAI's API
    reference, 2020). Below 0 encourages."""
    seen = occurrences(previous_ids, logits.shape[-1]) > 0
    return torch.where(seen, logits - penalty, logits)


def frequency_penalty(logits: Tensor, previous_ids: Tensor, penalty: float) -> Tensor:
    """Logits less `penalty` for each time a token is in `previous_ids` (..., n) (OpenAI's API reference, 2020)."""
    return logits - penalty * occurrences(previous_ids, logits.shape[-1]).to(logits.dtype)


def temperature(logits: Tensor, value: float) -> Tensor:
    """Logits divided by `value`; at 0 the likeliest token keeps its logit and all others become -inf."""
    if value >= ARGMAX_BELOW:
        return logits / value
    likeliest = logits.argmax(dim=-1, keepdim=True)
    return torch.full_like(logits, -torch.inf).scatter(-1, likeliest, logits.gather(-1, likeliest))


def top_k(logits: Tensor, k: int) -> Tensor:
    """Cuts the tokens below the k-th largest logit; 0 cuts none."""
    if k == 0 or k >= logits.shape[-1]:
        return logits
    smallest = torch.topk(logits, k).values[..., -1:]
    return logits.masked_fill(logits < smallest, -torch.inf)


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the smallest set of likeliest tokens whose probabilities sum to at least `p`, the token that crosses `p`
    included and never fewer than one; 1 cuts none (nucleus sampling, Holtzman et al. 2020, arXiv:1904.09751).

    Counted from the bottom, as transformers does: the least likely tokens go while their sum is at most 1 - p.
    """
    if p >= 1:
        return logits
    descending, ids = torch.sort(logits, dim=-1, descending=True, stable=True)
    cut = descending.flip(-1).softmax(dim=-1).cumsum(dim=-1).flip(-1) <= 1 - p
    cut[..., 0] = False
    return logits.masked_fill(torch.zeros_like(cut).scatter(-1, ids, cut), -torch.inf)


def min_p(logits: Tensor, share: float) -> Tensor:
    """Cuts the tokens less likely than `share` of the likeliest token's probability; 0 cuts none (Nguyen et al. 2024,
    arXiv:2407.01082)."""
    if share == 0:
        return logits
    probabilities = logits.softmax(dim=-1)
    return logits.masked_fill(probabilities < share * probabilities.amax(dim=-1, keepdim=True), -torch.inf)


def typical_p(logits: Tensor, mass: float) -> Tensor:
    """Keeps the tokens whose surprise -ln p is nearest to the distribution's entropy: the smallest set of them whose
    probabilities sum to at least `mass`, with all that are as near as the last one; 1 cuts none (locally typical
    sampling, Meister et al. 2023, arXiv:2202.00666). The likeliest token may go: it may be less surprising than a
    typical one.
    """
    if mass >= 1:
        return logits
    surprise = -logits.log_softmax(dim=-1)
    probabilities = logits.softmax(dim=-1)
    distance = (surprise - entropy(probabilities).unsqueeze(-1)).abs()
    nearest, ids = torch.sort(distance, dim=-1, stable=True)
    below = (probabilities.gather(-1, ids).cumsum(dim=-1) < mass).sum(dim=-1, keepdim=True)
    farthest = nearest.gather(-1, below.clamp(max=logits.shape[-1] - 1))
    return logits.masked_fill(distance > farthest, -torch.inf)


def transform(
    logits: Tensor,
    *,
    temperature_value: float = 1.0,
    k: int = 0,
    p: float = 1.0,
    min_p_share: float = 0.0,
    typical_mass: float = 1.0,
    penalty: float = 1.0,
    presence: float = 0.0,
    frequency: float = 0.0,
    previous_ids: Tensor | None = None,
) -> Distribution:
    """The distribution of the next token under all settings, with what was cut on the way.

    Args:
        logits: (..., vocab) as the model gave them; -inf is allowed, NaN and +inf are not.
        previous_ids: (..., n) tokens so far, prompt included; without them no penalty acts.

    Raises:
        PlaygroundError: the logits have no largest finite one, so that no distribution exists.
    """
    logits = logits.double()
    require_distribution(logits)
    penalised = logits
    if previous_ids is not None:
        penalised = repetition_penalty(logits, previous_ids, penalty)
        penalised = presence_penalty(penalised, previous_ids, presence)
        penalised = frequency_penalty(penalised, previous_ids, frequency)
    tempered_logits = temperature(penalised, temperature_value)
    left = typical_p(min_p(top_p(top_k(tempered_logits, k), p), min_p_share), typical_mass)
    tempered = tempered_logits.softmax(dim=-1)
    kept = left > -torch.inf
    probabilities = left.softmax(dim=-1)
    entropy_nats = entropy(probabilities)
    return Distribution(
        probabilities=probabilities,
        kept=kept,
        raw=logits.softmax(dim=-1),
        tempered=tempered,
        kept_mass=torch.where(kept, tempered, 0.0).sum(dim=-1),
        entropy_nats=entropy_nats,
        effective_choices=entropy_nats.exp(),
    )


def require_distribution(logits: Tensor) -> None:
    """Refuses logits whose softmax is not a distribution: NaN or +inf among them, or -inf everywhere.

    Raises:
        PlaygroundError: in words for the person who runs the model.
    """
    if not bool(logits.amax(dim=-1).isfinite().all()):
        raise PlaygroundError(
            "The model's logits are not finite numbers, so no token can be drawn from them; its weights are damaged "
            "or the number format is too narrow. Load it in float32, or tune it again with a lower learning rate."
        )


def entropy(probabilities: Tensor) -> Tensor:
    """Entropy in nats. (..., vocab) -> (...); a token of probability 0 adds nothing."""
    information: Tensor = torch.special.entr(probabilities)
    return information.sum(dim=-1)


def precise(device: torch.device) -> torch.device:
    """Where float64 can be computed in for tensors of a device: there, or on the CPU where it has none (MPS)."""
    return torch.device("cpu") if device.type == "mps" else device


def exponential_noise(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Independent standard exponential numbers in float64, on the generator's device, which is `precise`; see `draw`.

    In float64, because float32 has no room for the rare small values by which tokens of probability below 1e-7 win.
    """
    return torch.empty(shape, dtype=torch.float64, device=generator.device).exponential_(generator=generator)


def draw(logits: Tensor, noise: Tensor) -> Tensor:
    """One token id per position by the Gumbel-max trick, from transformed logits and `exponential_noise`, both
    (..., vocab) -> (...).

    The argmax of log p + g with standard Gumbel noise g is a draw from p (Gumbel 1954; Maddison, Tarlow and Minka
    2014, arXiv:1411.0030). As g = -ln(e) for an exponential e, it is also the argmax of p / e, which needs no
    logarithm. Two models that are given the same noise draw the same token wherever they agree.
    """
    return race(logits, noise).argmax(dim=-1).to(logits.device)


def draw_at(logits: Tensor, numbers: Tensor) -> Tensor:
    """One token id per position from transformed logits (..., vocab) and uniform numbers in [0, 1), (...) -> (...).

    The token at which the cumulated probability first exceeds the number: an eighth of `draw`'s work, but two models
    that are given the same number do not draw the same token wherever they nearly agree.
    """
    cumulated = logits.softmax(dim=-1).to(numbers.device).cumsum(dim=-1, dtype=torch.float64)
    # The sum may be a little off 1; a number beyond it would draw a token that does not exist.
    wanted = (numbers.double() * cumulated[..., -1]).unsqueeze(-1)
    found = torch.searchsorted(cumulated, wanted, right=True).squeeze(-1)
    return found.clamp(max=logits.shape[-1] - 1).to(logits.device)


def race(logits: Tensor, noise: Tensor) -> Tensor:
    """What `draw` takes the argmax of: exp(log p + g). (..., vocab), float64, on the noise's device; 0 for a token that
    was cut."""
    return logits.softmax(dim=-1).to(noise.device) / noise
