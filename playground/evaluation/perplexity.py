"""How likely a model finds the reference answers: teacher-forced, behind the run's own template, on the answers alone.

Batches are padded behind the text, which a causal model never looks at; logits are kept only from the first answer on.
"""

import threading
from collections.abc import Callable, Iterator, Sequence

import torch
from transformers import PreTrainedModel

from playground.core.losses import IGNORED, token_logps
from playground.errors import Cancelled
from playground.evaluation.answers import ReferenceLoss
from playground.models.generation import inference
from playground.models.loading import vocabulary_of
from playground.runs.events import Progress

LOGITS = 2**26
"""Most logits of one batch: 256 MB in float32, and as much again while they are normalised."""


def reference_losses(
    model: PreTrainedModel,
    prompts: Sequence[list[int]],
    answers: Sequence[list[int]],
    *,
    adapter: str | None = None,
    batch_size: int = 16,
    report: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> list[ReferenceLoss]:
    """−log p of each answer behind its prompt, token by token given the reference before it.

    Args:
        prompts: token ids; none may be empty.
        answers: token ids of the references, end of sequence included.
        adapter: for a model with adapters, the one that reads.
        report: hears of rows that are read.
        stop: looked at between batches.

    Raises:
        Cancelled: `stop` was set.
    """
    found = [ReferenceLoss(0.0, 0)] * len(prompts)
    done = 0
    with inference(model):
        for rows in _batches(prompts, answers, batch_size, vocabulary_of(model)):
            if stop is not None and stop.is_set():
                raise Cancelled("Stopped while references were read.")
            sums = _losses(model, [prompts[row] for row in rows], [answers[row] for row in rows], adapter)
            for row, nats in zip(rows, sums, strict=True):
                found[row] = ReferenceLoss(nats, len(answers[row]))
            done += len(rows)
            if report is not None:
                report(Progress("reading", done, len(prompts), "rows"))
    return found


def _batches(
    prompts: Sequence[list[int]], answers: Sequence[list[int]], batch_size: int, vocabulary: int
) -> Iterator[list[int]]:
    """Rows of like length together, longest first; as few as their logits allow."""
    order = sorted(range(len(prompts)), key=lambda row: -len(prompts[row]) - len(answers[row]))
    rows: list[int] = []
    for row in order:
        longer = [*rows, row]
        positions = len(longer) * _kept([prompts[each] for each in longer], [answers[each] for each in longer])
        if rows and (len(rows) == batch_size or positions * vocabulary > LOGITS):
            yield rows
            longer = [row]
        rows = longer
    if rows:
        yield rows


def _kept(prompts: Sequence[list[int]], answers: Sequence[list[int]]) -> int:
    """Positions at the end of the padded batch, from the last of the shortest prompt on."""
    width = max(len(prompt) + len(answer) for prompt, answer in zip(prompts, answers, strict=True))
    return width - min(map(len, prompts)) + 1


def _losses(
    model: PreTrainedModel, prompts: Sequence[list[int]], answers: Sequence[list[int]], adapter: str | None
) -> list[float]:
    """Of one batch, in nats."""
    texts = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
    width, kept = max(map(len, texts)), _kept(prompts, answers)
    labels = [
        [IGNORED] * len(prompt) + answer + [IGNORED] * (width - len(prompt) - len(answer))
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    ids = torch.tensor([text + [0] * (width - len(text)) for text in texts], device=model.device)
    mask = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in texts], device=model.device)
    chosen = {} if adapter is None else {"adapter_names": [adapter] * len(texts)}
    output = model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=kept, **chosen)
    wanted = torch.tensor(labels, device=model.device)[:, -kept:]
    sums: list[float] = (-token_logps(output.logits, wanted).double().sum(dim=-1)).tolist()
    return sums
