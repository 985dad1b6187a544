"""How likely a causal model finds each label's word behind a row's prompt: classification without free generation.

A word of several tokens counts whole, log p(word | prompt) = Σ_t log p(token t | prompt, tokens before t). Over the
labels of a row, the softmax of these is the model's distribution, and the likeliest its answer (Schick and Schütze
2021, arXiv:2001.07676).
"""

import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from peft import PeftModel
from torch import Tensor

from playground.errors import Cancelled
from playground.models.generation import check_prompt, context_length, inference
from playground.models.prefill import left_padded
from playground.models.shelf import Side
from playground.runs.events import Progress

Asked = tuple[list[int], Sequence[list[int]]]
"""A prompt's token ids, and those of each label's word behind it; `data.labels.LabelQuestion` is one."""


class _Reading(NamedTuple):
    """A text that says the next tokens' probabilities for some labels of a row."""

    row: int
    ids: list[int]
    """The prompt, and all but the last token of the words."""
    words: dict[int, list[int]]
    """By label; their tokens are predicted at the last places of the text."""

    @property
    def places(self) -> int:
        """How many of the last places are looked at."""
        return max(map(len, self.words.values()))


def label_scores(
    side: Side,
    questions: Sequence[Asked],
    *,
    batch_size: int = 16,
    report: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Tensor:
    """ln p of every label's whole word, float32 (rows, labels) on the CPU. Does not depend on what shares a batch.

    Raises:
        ModelError: a prompt with a word is longer than the model's context.
        Cancelled: `stop` was set.
    """
    found = torch.zeros(len(questions), len(questions[0][1]) if questions else 0)
    readings = [reading for row, asked in enumerate(questions) for reading in _readings(side, row, asked)]
    readings.sort(key=lambda reading: -len(reading.ids))
    context = context_length(side.model)
    for reading in readings[:1]:
        check_prompt(reading.ids, context, new_tokens=0)
    with inference(side.model):
        for start in range(0, len(readings), batch_size):
            if stop and stop.is_set():
                raise Cancelled("Stopped while labels were scored.")
            batch = readings[start : start + batch_size]
            for reading, logs in zip(batch, _logs(side, batch), strict=True):
                for label, word in reading.words.items():
                    found[reading.row, label] = logs[-len(word) :].gather(1, torch.tensor(word).unsqueeze(1)).sum()
            if report:
                report(Progress("labels", min(start + batch_size, len(readings)), len(readings), "texts"))
    return found


def _readings(side: Side, row: int, asked: Asked) -> list[_Reading]:
    """The texts to be read for a row: one where every word is a single token, else one for each beginning."""
    texts: dict[tuple[int, ...], _Reading] = {}
    prompt, words = asked
    for label, word in enumerate(words):
        head = tuple(word[:-1])
        reading = texts.setdefault(head, _Reading(row, side.reading([*prompt, *head]), {}))
        reading.words[label] = word
    return list(texts.values())


def _logs(side: Side, batch: Sequence[_Reading]) -> list[Tensor]:
    """Log-probabilities (places, vocab) after the last places of each text, float32 on the CPU."""
    device = side.model.device
    ids, mask = left_padded([reading.ids for reading in batch], 0, device)
    options: dict[str, Any] = {} if side.adapter is None else {"adapter_names": [side.adapter] * len(batch)}
    base = side.model.get_base_model() if isinstance(side.model, PeftModel) else side.model
    if "position_ids" in inspect.signature(base.forward).parameters:
        options["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
    places = max(reading.places for reading in batch)
    output = side.model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=places, **options)
    logs = output.logits[:, -places:].float().log_softmax(dim=-1).cpu()
    return list(logs)
