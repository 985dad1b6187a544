"""Answers to a few fixed held-out prompts, taken again and again while a model learns."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from transformers import (
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from playground.config.generation import GenerationSettings
from playground.config.run import RunConfig, TrainingSettings
from playground.data.masking import prompt_ids
from playground.data.splits import Splits
from playground.data.templates import render_question
from playground.errors import Cancelled, DataError
from playground.models.generation import generate
from playground.models.loading import LoadedModel
from playground.models.shelf import in_training
from playground.runs.context import JobContext
from playground.runs.events import Sample
from playground.training.continuation import has_logged
from playground.training.stopwatch import Stopwatch
from playground.training.undisturbed import undisturbed

COUNT = 3
SAMPLED = "samples"
"""Name of the entry in a trainer's history."""


class FixedPrompt(NamedTuple):
    """A prompt that is answered at every sampling step."""

    ids: list[int]
    question: str
    reference: str


def fixed_prompts(
    splits: Splits, template: str, tokenizer: PreTrainedTokenizerBase, longest: int
) -> tuple[FixedPrompt, ...]:
    """The first three prompts of at most `longest` tokens from the test share, else validation, else training."""
    found: list[FixedPrompt] = []
    for record in splits.test or splits.validation or splits.train:
        try:
            ids = prompt_ids(render_question(record, template, tokenizer), tokenizer)
        except DataError:
            continue  # the template has no place for it, as for a second exchange; training leaves it out too
        if 0 < len(ids) <= longest:
            found.append(FixedPrompt(ids, record.question, record.answer))
        if len(found) == COUNT:
            break
    return tuple(found)


def samplers(
    config: RunConfig, splits: Splits, loaded: LoadedModel, context: JobContext, watch: Stopwatch
) -> list[TrainerCallback]:
    """The run's sampler; none where `training.sample_steps` is 0."""
    if not config.training.sample_steps:
        return []
    before = config.adapter.num_virtual_tokens if config.adapter.is_prompt else 0
    longest = loaded.info.context_length - config.training.sample_tokens - before
    prompts = fixed_prompts(splits, config.data.template_text, loaded.tokenizer, longest)
    return [Sampler(prompts, loaded.tokenizer, config.training, context, watch)] if prompts else []


class Sampler(TrainerCallback):
    """Answers the prompts greedily before the first step, every `sample_steps` and after the last."""

    def __init__(
        self,
        prompts: Sequence[FixedPrompt],
        tokenizer: PreTrainedTokenizerBase,
        training: TrainingSettings,
        context: JobContext,
        watch: Stopwatch,
    ) -> None:
        self._prompts = prompts
        self._tokenizer = tokenizer
        self._every = training.sample_steps
        self._settings = GenerationSettings(strategy="greedy", max_new_tokens=training.sample_tokens)
        self._context = context
        self._watch = watch

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if not state.global_step or (self._is_due(state) and not has_logged(state, SAMPLED)):
            self._sample(state, kwargs["model"])

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._is_due(state):
            self._sample(state, kwargs["model"])

    def _is_due(self, state: TrainerState) -> bool:
        return state.global_step % self._every == 0 or state.global_step == state.max_steps

    def _sample(self, state: TrainerState, model: Any) -> None:
        if self._context.stop.is_set():
            return
        try:
            with self._watch.paused(), undisturbed(model), in_training(model) as side:
                answers = generate(
                    side.model,
                    self._tokenizer,
                    [side.reading(prompt.ids) for prompt in self._prompts],
                    self._settings,
                    batch_size=COUNT,
                    stop=self._context.stop,
                )
        except Cancelled:
            return  # the loop ends at its next step; half an answer is not worth showing
        for index, (prompt, answer) in enumerate(zip(self._prompts, answers, strict=True)):
            self._context.emit(Sample(state.global_step, index, prompt.question, answer.text, prompt.reference))
        # Kept in checkpoints, so that a resumed run knows what it need not ask again.
        state.log_history.append({"step": state.global_step, SAMPLED: len(answers)})
