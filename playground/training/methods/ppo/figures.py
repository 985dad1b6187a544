"""Emits the snapshots of a run when they are due."""

from collections.abc import Callable, Sequence

from playground.config.methods.ppo import PPOSettings
from playground.models.decoding import random_stream
from playground.models.detokenise import token_texts
from playground.models.loading import LoadedModel
from playground.runs.context import JobContext
from playground.runs.events import Snapshot
from playground.training.methods.ppo.action import Probe
from playground.training.methods.ppo.actor import Actor
from playground.training.methods.ppo.learner import CPU, Learner, Step
from playground.training.methods.ppo.prospect import prospect
from playground.training.methods.ppo.snapshots import ACTION, CLIP, REFERENCE, ROLLOUTS, clip, is_due, rollout_table


class Figures:
    """Looks at steps, and changes nothing in how they go on."""

    def __init__(self, loaded: LoadedModel, settings: PPOSettings, context: JobContext, last_step: int) -> None:
        self._names = token_texts(loaded.tokenizer, loaded.info.vocabulary)
        self._settings = settings
        self._context = context
        self._last_step = last_step
        self._probe: Probe | None = None

    def show_reference(self, learner: Learner, prompts: Sequence[list[int]], interrupt: Callable[[], None]) -> None:
        """What these prompts have to offer near the reference, which the policy must still be.

        Raises:
            PlaygroundError: as `prospect`.
        """
        if count := self._settings.reference_answers:
            self._context.log("Answers of the reference are drawn first, to show what reward there is near it.")
            self._emit(0, REFERENCE, prospect(learner, prompts, count, interrupt))

    def watch_action(self, learner: Learner, prompt: list[int]) -> None:
        """Looks at one prompt's next token from now on, where answers are one token long.

        Raises:
            RunError: the reward failed.
        """
        if self._settings.max_new_tokens == 1:
            self._probe = Probe(learner, prompt, self._names)

    def show(self, number: int, step: Step) -> None:
        """What is due after a step."""
        if not is_due(number, self._last_step):
            return
        dots = random_stream(0, number, CPU)
        self._emit(number, CLIP, clip(step.experience, step.updated, self._names, self._settings.clip_range, dots))
        self._emit(number, ROLLOUTS, rollout_table(step.experience, step.scores, self._names, step.beta))

    def show_action(self, number: int, actor: Actor, beta: float) -> None:
        """Policy, reference and optimum of the prompt that is watched; 0 is before the first step."""
        if self._probe is not None and (number == 0 or is_due(number, self._last_step)):
            self._emit(number, ACTION, self._probe.look(actor, beta))

    def _emit(self, number: int, name: str, data: object) -> None:
        assert isinstance(data, dict)  # noqa: S101, a TypedDict is one
        self._context.emit(Snapshot(number, name, data))
