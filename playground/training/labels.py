"""Held-out rows with labels, given labels by the model that learns: accuracy beside the validation loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.data.labels import LabelQuestion, label_question
from playground.data.verbalizer import words_of
from playground.errors import DataError
from playground.models.label_scores import label_scores
from playground.models.shelf import in_training
from playground.runs.context import JobContext
from playground.training.ground import Ground


@dataclass(frozen=True)
class LabelLook:
    """Says at each evaluation how many of the same rows get their label, by the probabilities of the labels' words."""

    model: Any
    questions: Sequence[LabelQuestion]
    truths: Sequence[int]
    """Place of each row's label among the words."""
    batch_size: int
    context: JobContext

    def look(self, step: int) -> dict[str, float]:
        """`label_accuracy`, 0-1. Raises Cancelled where the run was asked to stop."""
        with in_training(self.model) as side:
            scores = label_scores(side, self.questions, batch_size=self.batch_size, stop=self.context.stop)
        right = [int(given) == truth for given, truth in zip(scores.argmax(dim=-1), self.truths, strict=True)]
        return {"label_accuracy": sum(right) / len(right)}


def label_look(model: Any, ground: Ground) -> LabelLook | None:
    """For the held-out rows of the validation loss; None where they have no labels, or labels that read the same."""
    config, splits = ground.config, ground.splits
    words = words_of(config.data, splits.train)
    rows = (splits.validation or splits.test)[: config.training.eval_rows]
    found: list[tuple[LabelQuestion, int]] = []
    for record in rows if words else ():
        try:
            asked = label_question(record, words, config.data.template_text, ground.loaded.tokenizer)
        except DataError:
            continue
        if record.answer in words and len(asked.prompt) + max(map(len, asked.words)) <= ground.max_length:
            found.append((asked, words.index(record.answer)))
    if not found:
        return None
    questions, truths = zip(*found, strict=True)
    return LabelLook(model, questions, truths, config.training.batch_size, ground.context)
