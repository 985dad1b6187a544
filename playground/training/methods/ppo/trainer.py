"""The life of a PPO run: steps one after another, told of, stopped, kept and gone on with. What a step is stands in
`learner.py`."""

import contextlib
import math
from typing import Any, cast

from safetensors import SafetensorError
from transformers import TrainerControl, TrainerState, TrainingArguments
from transformers.integrations import get_reporting_integration_callbacks
from transformers.trainer_callback import CallbackHandler, DefaultFlowCallback, TrainerCallback

from playground.config.methods.ppo import PPOSettings
from playground.config.run import RunConfig
from playground.errors import Cancelled
from playground.rewards.registry import make_reward
from playground.rewards.reward import Surroundings
from playground.runs import checkpoints
from playground.runs.context import JobContext
from playground.runs.events import Metric
from playground.training import continuation
from playground.training.arguments import trainer_arguments
from playground.training.asking.questions import Questions, questions
from playground.training.callbacks import GB, Reporter
from playground.training.ground import Ground, prepare
from playground.training.methods.ppo.actor import Actor
from playground.training.methods.ppo.figures import Figures
from playground.training.methods.ppo.keeping import Keeper
from playground.training.methods.ppo.learner import HELD_OUT, Learner, Step
from playground.training.methods.ppo.metrics import metrics
from playground.training.methods.ppo.scoring import score
from playground.training.methods.ppo.sharing import share_backbone
from playground.training.methods.ppo.trouble import Trouble
from playground.training.outcome import Outcome
from playground.training.samples import Sampler
from playground.training.saving import save_result
from playground.training.tracking import tracker_arguments

EVALUATED = "eval_objective/scores"
POSITIVE = "eval_objective/positive"
"""The share of answers to held-out prompts whose reward is above 0; told where 0 lies within the reward's bounds."""


def train(config: RunConfig, context: JobContext) -> Outcome:
    """Tunes `config.model` towards a reward and leaves `adapter` or `model` in the run's folder.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step was done.
    """
    ground = prepare(config, context)
    settings = cast("PPOSettings", config.options)
    asked = questions(ground, settings)
    reward = make_reward(settings.reward, Surroundings(context.emit, context.stop))
    actor = Actor(
        ground.trainable(), temperature=settings.temperature, compute=ground.precision.compute,
        checkpointing=config.training.gradient_checkpointing,
    )  # fmt: skip
    if freed := share_backbone(actor.model, reward):
        context.log(f"The reward model stands on the policy's own frozen weights, which saves {freed / GB:.2f} GB.")
    training = config.training
    steps = training.max_steps or math.ceil(training.epochs * len(asked.prompts.rows) / settings.rollouts)
    arguments = TrainingArguments(**_arguments(ground))
    learner = Learner(actor, ground.loaded.tokenizer, reward, settings, training, arguments, steps)
    context.check()
    return _Run(ground, learner, asked, arguments, steps).to_the_end()


def _arguments(ground: Ground) -> dict[str, Any]:
    training, context = ground.config.training, ground.context
    folder = context.folder / checkpoints.FOLDER
    found = trainer_arguments(training, ground.precision, ground.device.type, folder, evaluates=True)
    # The actor does that by itself.
    return found | tracker_arguments(ground.config, context) | {"activation_checkpointing": False}


class _Run:
    """One attempt at a run."""

    def __init__(
        self, ground: Ground, learner: Learner, asked: Questions, arguments: TrainingArguments, steps: int
    ) -> None:
        self.context, self.watch = ground.context, ground.watch
        self.ground, self.learner, self.asked, self.arguments = ground, learner, asked, arguments
        self.start = continuation.find(asked.prompts.fingerprint, self.context)
        self.keeper = Keeper(
            learner.actor, learner.optimisation, learner.schedule, self.context, asked.prompts.fingerprint
        )
        self.tokens = self.start.carried.tokens if self.start else 0
        self.reporter = Reporter(self.context, self.watch, self.tokens)
        self.handler = CallbackHandler(  # type: ignore[no-untyped-call]
            self._callbacks(), learner.actor.model, ground.loaded.tokenizer, learner.optimisation.optimizer,
            learner.schedule,
        )  # fmt: skip
        self.state, self.control, self.trouble = TrainerState(max_steps=steps), TrainerControl(), Trouble()
        self.figures = Figures(ground.loaded, learner.settings, self.context, steps)

    def to_the_end(self) -> Outcome:
        """Steps until all are done or somebody asks to stop, and saves what was learnt."""
        self._begin()
        while self.state.global_step < self.state.max_steps and not self.context.stop.is_set():
            self.control = self.handler.on_step_begin(self.arguments, self.state, self.control)
            try:
                step = self._step()
            except Cancelled:
                break
            self._after(step)
        if not self.state.global_step:
            raise Cancelled("Stopped before its first step was done.")
        save_result(self.learner.actor.model, self.ground.loaded.tokenizer, self.context.folder)
        stopped = self.state.global_step < self.state.max_steps
        if stopped:
            self._save_stop()
        self.handler.on_train_end(self.arguments, self.state, self.control)
        return Outcome(self.state.global_step, self.reporter.metrics, stopped)

    def _begin(self) -> None:
        start = self.start
        if start is not None:
            self.state, extra = self.keeper.load(start.checkpoint.folder)
            self.learner.beta, self.trouble = extra["beta"], Trouble(**extra["trouble"])
        self.state.compute_steps(self.arguments, self.state.max_steps)  # type: ignore[no-untyped-call]
        self.control = self.handler.on_train_begin(self.arguments, self.state, self.control)
        with self.watch.paused():
            learner = self.learner
            self.figures.watch_action(learner, self.asked.fixed[0].ids)
            if start is None:
                first = self.asked.prompts.take(0, learner.settings.rollouts)
                with contextlib.suppress(Cancelled):  # the loop sees the stop too
                    self.figures.show_reference(learner, first, self._interrupt)
                self.figures.show_action(0, learner.actor, learner.beta)
        if start is None or start.lacks_evaluation(self.ground.config.training.eval_steps):
            self._evaluate()

    def _step(self) -> Step:
        size = self.learner.settings.rollouts
        prompts = self.asked.prompts.take(self.state.global_step * size, size)
        return self.learner.step(
            self.state.global_step + 1, prompts, interrupt=self._interrupt, alive=self._give_sign
        )  # fmt: skip

    def _after(self, step: Step) -> None:
        """Everything that is due once a step is done."""
        state, learner = self.state, self.learner
        state.global_step += 1
        state.epoch = state.global_step * learner.settings.rollouts / len(self.asked.prompts.rows)
        self.tokens += int(step.experience.rollouts.mask.sum())
        self.control = self.handler.on_step_end(self.arguments, state, self.control)
        values = metrics(step.experience, step.scores, step.updated, learner.settings, step.beta)
        for warning in self.trouble.after(values, learner.settings, step.beta):
            self.context.warn(warning.key, step=state.global_step, **warning.values)
        if self.control.should_log:
            self._log(values, step)
        with self.watch.paused():
            self.figures.show(state.global_step, step)
            self.figures.show_action(state.global_step, learner.actor, step.beta)
        if self.control.should_evaluate:
            self._evaluate()
        if self.control.should_save:
            self._save()

    def _log(self, values: dict[str, float], step: Step) -> None:
        times = {f"time/{stage}": seconds for stage, seconds in step.seconds.items()}
        others = {"learning_rate": step.learning_rate, "num_tokens": float(self.tokens), "epoch": self.state.epoch}
        self.control = self.handler.on_log(self.arguments, self.state, self.control, {**values, **times, **others})

    def _evaluate(self) -> None:
        """The reward of answers to held-out prompts."""
        if not self.asked.held_out or not self.ground.config.training.eval_steps:
            return
        learner, number = self.learner, self.state.global_step
        with self.watch.paused():
            try:
                rollouts = learner.answer(self.asked.held_out, HELD_OUT, self._interrupt)
                found = score(
                    learner.reward, rollouts, learner.tokenizer, learner.settings.missing_eos_penalty, number
                )  # fmt: skip
            except Cancelled:
                return
        values = {EVALUATED: float(found.total.mean()), "eval_length": float(rollouts.lengths.float().mean())}
        if learner.reward.bounds.low < 0 < learner.reward.bounds.high:
            values[POSITIVE] = float((found.raw > 0).float().mean())
        self.reporter.metrics |= values
        self.context.emit(Metric(number, values))
        self.state.log_history.append({"step": number, EVALUATED: values[EVALUATED]})

    def _save(self) -> None:
        evaluated = continuation.has_logged(self.state, EVALUATED)
        extra = {"beta": self.learner.beta, "trouble": self.trouble.state()}
        with self.watch.paused():
            self.keeper.save(self.state, self.tokens, evaluated, extra)

    def _save_stop(self) -> None:
        """A checkpoint to go on from; what was learnt is saved by then, so that a full disk costs only this."""
        try:
            self._save()
        except (OSError, RuntimeError, SafetensorError) as error:
            self.context.warn("checkpoint_not_saved", step=self.state.global_step, problem=error)

    def _callbacks(self) -> list[TrainerCallback | type[TrainerCallback]]:
        training, asked = self.ground.config.training, self.asked
        trackers = get_reporting_integration_callbacks(self.arguments.report_to)  # type: ignore[no-untyped-call]
        found = [DefaultFlowCallback, self.reporter, *trackers]
        if training.sample_steps and asked.fixed:
            found.append(Sampler(asked.fixed, self.ground.loaded.tokenizer, training, self.context, self.watch))
        return found

    def _interrupt(self) -> None:
        if self.context.stop.is_set():
            raise Cancelled("Stopped within a step.")
        self._give_sign()

    def _give_sign(self) -> None:
        self.handler.on_substep_end(self.arguments, self.state, self.control)
