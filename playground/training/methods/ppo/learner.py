"""One update of PPO, from prompts to new weights: the chain of the four stages, and what outlives an update.

Every update draws its random numbers from the seed and its own number, so that it depends on nothing else than the
weights, the optimiser's state and β.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedTokenizerBase, TrainingArguments, get_scheduler

from playground.config.methods.ppo import PPOSettings
from playground.config.run import TrainingSettings
from playground.core.advantages import adapted
from playground.models.batch import end_tokens
from playground.models.decoding import random_stream
from playground.rewards.combined import Sum
from playground.training.methods.ppo.actor import Actor
from playground.training.methods.ppo.experience import Experience, look, weigh
from playground.training.methods.ppo.rollout import Rollouts, roll_out
from playground.training.methods.ppo.scoring import Scores, score
from playground.training.methods.ppo.update import Optimisation, Updated, update
from playground.training.optimisers import optimiser_of

CPU = torch.device("cpu")
HELD_OUT = 2**31
"""Number of the random stream of held-out answers: the same at each evaluation, so that only the policy differs."""
PROSPECT = HELD_OUT + 1
"""Number of the first of the random streams of the reference's answers before the first update."""


class Step(NamedTuple):
    """One whole update."""

    experience: Experience
    scores: Scores
    updated: Updated
    beta: float
    """As it was in this update."""
    learning_rate: float
    seconds: dict[str, float]
    """By stage: `rollout`, `score` and `update`."""


class Learner:
    """Takes one step after another."""

    def __init__(
        self,
        actor: Actor,
        tokenizer: PreTrainedTokenizerBase,
        reward: Sum,
        settings: PPOSettings,
        training: TrainingSettings,
        arguments: TrainingArguments,
        steps: int,
    ) -> None:
        """`arguments` are `training` in transformers' words; `steps` is how many updates there will be."""
        self.actor = actor
        self.tokenizer = tokenizer
        self.reward = reward
        self.settings = settings
        self.training = training
        self.ends = end_tokens(actor.model, tokenizer)
        self.beta = settings.beta
        kind, options = optimiser_of(arguments)
        optimizer = kind(actor.trained().values(), **options)
        scaler = torch.amp.GradScaler(actor.device.type, enabled=actor.compute is torch.float16)
        self.optimisation = Optimisation(optimizer, scaler)
        self.schedule: Any = get_scheduler(
            training.schedule, optimizer, num_warmup_steps=arguments.get_warmup_steps(steps), num_training_steps=steps
        )

    def step(
        self,
        number: int,
        prompts: Sequence[list[int]],
        *,
        interrupt: Callable[[], None],
        alive: Callable[[], None],
    ) -> Step:
        """The update of this number, from 1.

        Args:
            interrupt: called again and again up to where learning begins; whatever it raises leaves everything as it
                was before the step. Learning itself is not interrupted: half an update could not be gone on from.
            alive: called again and again while it learns.

        Raises:
            PlaygroundError: the reward failed, or the numbers are no longer finite.
        """
        seconds: dict[str, float] = {}
        with _timed(seconds, "rollout"):
            rollouts = self.answer(prompts, 2 * number, interrupt)
        with _timed(seconds, "score"):
            scores = score(self.reward, rollouts, self.tokenizer, self.settings.missing_eos_penalty, number)
            interrupt()
            learns = self.settings.entropy_coefficient > 0
            readings, live = look(self.actor, rollouts, self.training.batch_size, entropy_learns=learns)
            experience = weigh(rollouts, readings, scores.total, self.settings, self.beta)
            interrupt()
        with _timed(seconds, "update"):
            shuffle = random_stream(self.training.seed, 2 * number + 1, CPU)
            updated = update(
                self.actor,
                self.optimisation,
                experience,
                live,
                self.settings,
                self.training,
                self.beta,
                number,
                shuffle,
                alive,
            )
            # Gradients are made one by one between what a backward pass frees. Left there they would hold it apart: the
            # weights that the next rollout lays out would not fit in, and take 0.1 GB more (SmolLM2-135M).
            self.optimisation.optimizer.zero_grad()
        done = Step(experience, scores, updated, self.beta, self.schedule.get_last_lr()[0], seconds)
        self.schedule.step()
        self._adapt(experience)
        return done

    def answer(self, prompts: Sequence[list[int]], stream: int, interrupt: Callable[[], None]) -> Rollouts:
        """Answers drawn with the random numbers of a stream."""
        shape = (len(prompts), self.settings.max_new_tokens)
        numbers = torch.rand(
            shape, dtype=torch.float64, generator=random_stream(self.training.seed, stream, CPU)
        )  # fmt: skip
        return roll_out(self.actor, prompts, self.settings, numbers, self.ends, interrupt)

    def _adapt(self, experience: Experience) -> None:
        if self.settings.beta_target is not None:
            mask, log_ratio = experience.rollouts.mask.bool(), experience.readings.log_ratio
            divergence = float(torch.where(mask, log_ratio, 0.0).sum(dim=1).mean())
            self.beta = adapted(
                self.beta, divergence, target=self.settings.beta_target, horizon=self.settings.beta_horizon,
                answers=len(mask),
            )  # fmt: skip


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    seconds[stage] = time.perf_counter() - begun
