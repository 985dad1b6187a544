"""Settings of proximal policy optimisation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from playground.config.methods.answering import AnsweringSettings
from playground.config.methods.method import Footprint
from playground.config.settings import Range

REFERENCE_BATCH = 32
"""Answers of the reference that are written side by side: with more of them they would be what a small run's memory
goes to."""


@dataclass(frozen=True)
class PPOSettings(AnsweringSettings):
    """Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347): the model answers, a reward judges, and
    what earned more than expected becomes likelier, held to a reference. A step is one update: answers drawn, scored
    and learnt from."""

    section: ClassVar[str] = "ppo"
    words = "proximal policy optimisation"
    in_sight = ("rollouts", "max_new_tokens", "kl", "beta")
    footprint = Footprint(reference=True)

    rollouts: Annotated[int, Range(1, 65536)] = 32
    """Answers drawn for one update. Each optimiser step takes `training.batch_size` × `gradient_accumulation` of
    them."""
    rollout_batch: Annotated[int, Range(1, 4096)] = 64
    """Answers that are written side by side; fewer take less memory and more time."""
    reference_answers: Annotated[int, Range(0, 2048)] = 128
    """Answers that the reference gives before the first update to prompts of it, to each at least eight: they tell what
    reward there is near the reference (π*, best of n), beside the run's way through reward and KL. 0 gives none."""
    missing_eos_penalty: Annotated[float, Range(0, 1000)] = 0.0
    """Taken off the score of an answer that did not end by itself."""
    kl: Literal["k1_reward", "k2_loss", "k3_loss"] = "k1_reward"
    """How the policy is held to the reference: a penalty of each token's log(π/π_ref) in its reward, or half its square
    (k2) or π_ref/π − 1 + log(π/π_ref) (k3, approximately right) in the loss. The loss takes the
    answers for the present policy's own, which is the rougher the more update epochs there are."""
    beta: Annotated[float, Range(0, 100)] = 0.05
    """Price of a nat of divergence from the reference: small lets the policy go far, large holds it close."""
    beta_target: Annotated[float, Range(above=0, maximum=1000)] | None = None
    """Divergence of a whole answer, in nats, that β is adapted to reach (Ziegler et al. 2019, arXiv:1909.08593; 6 is
    usual); null keeps β fixed."""
    beta_horizon: Annotated[float, Range(1)] = 10_000
    """How slowly β adapts: of n answers, the most that it changes by is the share 0.2 × n / horizon."""
    update_epochs: Annotated[int, Range(1, 100)] = 4
    """Passes over the answers of one update."""
    clip_range: Annotated[float, Range(above=0, maximum=1)] = 0.2
    """ε: a token's probability is driven at most to 1 ± ε times what it was when it was drawn."""
    value_clip_range: Annotated[float, Range(above=0, maximum=100)] = 0.2
    """How far one update may move the value function."""
    value_coefficient: Annotated[float, Range(0, 100)] = 0.1
    """Weight of the value function's loss beside the policy's."""
    entropy_coefficient: Annotated[float, Range(0, 10)] = 0.0
    """Bonus for each nat of the policy's entropy, which keeps it undecided; 0 is usual for language models."""
    gamma: Annotated[float, Range(0, 1)] = 1.0
    """γ, how much a reward loses with each token it is away."""
    gae_lambda: Annotated[float, Range(0, 1)] = 0.95
    """λ of generalised advantage estimation: 0 trusts the value function, 1 the rewards that came."""
    whiten_advantages: bool = True
    """Bring advantages to mean 0 and variance 1 in each update, so that the scale of the reward does not matter."""
    max_update_kl: Annotated[float, Range(above=0, maximum=1000)] | None = None
    """An update ends early once the policy is this many nats per token away from the one that drew the answers; null
    never does."""

    def side_by_side(self, held_out: int = 0) -> int:
        """The most answers that a run writes at once, where it is measured on so many held-out prompts."""
        most = max(self.rollouts, min(self.reference_answers, REFERENCE_BATCH), held_out)
        return min(most, self.rollout_batch)

    def conflicts(self) -> Iterator[str]:
        yield from super().conflicts()
        if self.beta_target is not None and not self.beta:
            yield "ppo.beta must be above 0 where ppo.beta_target is given: it adapts by factors."
