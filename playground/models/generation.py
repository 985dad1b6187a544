"""Answers from a causal language model, many at once, each as if it were alone.

An answer depends on the model, its prompt, the settings and its place in the list of prompts (which picks its random
numbers), and on nothing else: not on what shares its batch, on padding, or on `model.generation_config`.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

import torch
from peft import PeftModel
from torch import Tensor
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from playground.config.generation import GenerationSettings
from playground.errors import Cancelled, ModelError, OutOfMemory
from playground.models.batch import Answer, BatchCall, OnTokens
from playground.models.memory import estimate_generation
from playground.runs.events import Progress

__all__ = [
    "Answer",
    "OnTokens",
    "check_prompt",
    "context_length",
    "generate",
    "inference",
    "next_logits",
    "require_room",
]

REPORT_SECONDS = 0.5


@dataclass(frozen=True)
class _Batch:
    """Rows that are answered together; none of them can run out of context before `budget` new tokens."""

    rows: list[int]
    budget: int


def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[list[int]],
    settings: GenerationSettings,
    *,
    batch_size: int = 16,
    report: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    on_tokens: OnTokens | None = None,
    adapters: Sequence[str] | None = None,
    streams: Sequence[int] | None = None,
) -> list[Answer]:
    """One answer per prompt, in the order of the prompts.

    Args:
        prompts: token ids as the model is to see them, special tokens included; none may be empty.
        report: hears of rows answered, fractions of a batch included, twice a second at most.
        stop: looked at between tokens.
        on_tokens: hears of answers as they grow; with beam search once per answer, when it is whole.
        adapters: for a peft model, the adapter of each row; `__base__` is none.
        streams: which random numbers each row gets, by default its index; rows with the same number share them.

    Raises:
        ModelError: a prompt is empty or leaves no room in the model's context.
        OutOfMemory: what the model would remember of one batch does not fit.
        Cancelled: `stop` was set; what there is by then was told to `on_tokens`.
    """
    stop = stop or threading.Event()
    progress = _Rows(len(prompts), report)
    answers: dict[int, Answer] = {}
    batches = _batches(prompts, settings.max_new_tokens, batch_size, context_length(model))
    for batch in batches:
        beams = settings.num_beams if settings.strategy == "beam" else 1
        require_room(model, len(batch.rows) * beams, len(prompts[batch.rows[0]]) + batch.budget)
    with inference(model), _nothing_inherited(model):
        for batch in batches:
            call = BatchCall(
                model,
                tokenizer,
                [prompts[row] for row in batch.rows],
                replace(settings, max_new_tokens=batch.budget),
                streams=[streams[row] if streams else row for row in batch.rows],
                adapters=[adapters[row] for row in batch.rows] if adapters else None,
                on_tokens=on_tokens and partial(_to_row, on_tokens, batch.rows),
                on_progress=progress.add,
            )
            answers.update(zip(batch.rows, call.run(stop), strict=True))
            if stop.is_set():
                raise Cancelled("Stopped while answering.")
    return [answers[row] for row in range(len(prompts))]


def next_logits(model: PreTrainedModel, ids: Sequence[int], *, adapter: str | None = None) -> Tensor:
    """Logits of the token after `ids`. Float32 (vocab,), on the CPU.

    Raises:
        ModelError: `ids` is empty or longer than the model's context.
    """
    check_prompt(ids, context_length(model), new_tokens=0)
    given = torch.tensor([list(ids)], device=model.device)
    chosen = {} if adapter is None else {"adapter_names": [adapter]}
    with inference(model):
        output = model(
            input_ids=given, attention_mask=torch.ones_like(given), use_cache=False, logits_to_keep=1, **chosen
        )
    logits: Tensor = output.logits[0, -1].float().cpu()
    return logits


def context_length(model: PreTrainedModel) -> int | None:
    """The most tokens, prompt and answer together, that the model has positions for; None where it has no limit."""
    found = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(found) if found else None


def _to_row(on_tokens: OnTokens, rows: Sequence[int], place: int, text: str) -> None:
    on_tokens(rows[place], text)


def check_prompt(prompt: Sequence[int], context: int | None, *, new_tokens: int) -> None:
    """Refuses a prompt that a model cannot read, or not go on from by `new_tokens`.

    Raises:
        ModelError: it is empty or too long.
    """
    if not prompt:
        raise ModelError("The prompt is empty; a model needs at least one token to go on from.")
    if context is not None and len(prompt) + new_tokens > context:
        raise ModelError(
            f"The prompt has {len(prompt):,} tokens, but the model's context holds {context:,}"
            f"{', answer included' if new_tokens else ''}; shorten the prompt."
        )


def _batches(prompts: Sequence[list[int]], new_tokens: int, batch_size: int, context: int | None) -> list[_Batch]:
    """Rows of like length together, longest first, so that the most memory is needed at the start.

    A row so long that the context ends before `new_tokens` stands only with rows of its own length: past the end,
    models with learned positions would fail.
    """
    for prompt in prompts:
        check_prompt(prompt, context, new_tokens=1)
    order = sorted(range(len(prompts)), key=lambda row: -len(prompts[row]))

    def budget(row: int) -> int:
        return new_tokens if context is None else min(new_tokens, context - len(prompts[row]))

    return [
        _Batch(rows[start : start + batch_size], allowed)
        for allowed, group in groupby(order, key=budget)
        for rows in [list(group)]
        for start in range(0, len(rows), batch_size)
    ]


def require_room(model: PreTrainedModel, rows: int, tokens: int) -> None:
    """Refuses to let so many texts of up to so many tokens, prompt included, grow together where memory is short.

    Raises:
        OutOfMemory: what the model would remember of them does not fit.
    """
    config = model.config.get_text_config().to_dict()
    dtype, device = str(model.dtype).removeprefix("torch."), str(model.device)
    estimate = estimate_generation(config, rows, tokens, dtype, device=device)
    if not estimate.fits:
        raise OutOfMemory(
            f"To answer {rows} {'text' if rows == 1 else 'texts'} of up to {tokens:,} tokens at once "
            f"{estimate.sentence}; ask for fewer or shorter answers, or wait until a run has ended."
        )


@contextmanager
def inference(model: PreTrainedModel) -> Iterator[None]:
    """No gradients and no dropout; a model in training goes on as it was."""
    training = model.training
    model.train(False)
    try:
        with torch.no_grad():  # not inference_mode, whose tensors a model in training could not use afterwards
            yield
    finally:
        model.train(training)


@contextmanager
def _nothing_inherited(model: PreTrainedModel) -> Iterator[None]:
    """`generate` fills what it is not given from the model's own `generation_config`, as some models are published
    with a top-k or a penalty; only its token ids are kept."""
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    inherited = base.generation_config
    eos = inherited.eos_token_id if inherited else None
    base.generation_config = GenerationConfig(eos_token_id=eos)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        base.generation_config = inherited


class _Rows:
    """Tells how many rows are answered, at most every `REPORT_SECONDS`."""

    def __init__(self, total: int, report: Callable[[Progress], None] | None) -> None:
        self.total = total
        self.report = report
        self.done = 0.0
        self.told = 0.0

    def add(self, rows: float) -> None:
        """So many rows more, or parts of one, are answered."""
        self.done = min(self.done + rows, self.total)
        now = time.monotonic()
        if self.report and (now - self.told >= REPORT_SECONDS or self.done >= self.total):
            self.told = now
            self.report(Progress("answering", self.done, self.total, "rows"))
