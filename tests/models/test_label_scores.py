"""Scores of labels: those of a plain loop over whole words, whatever shares the batch and whoever reads."""

import threading
from pathlib import Path

import pytest
import torch

from playground.data.labels import LabelQuestion, label_question
from playground.data.records import Record
from playground.errors import DataError
from playground.models.label_scores import label_scores
from playground.models.loading import LoadedModel, load
from playground.models.shelf import Shelf, Side
from tests.models.served import make_run
from tests.models.test_soft_prompts import make_prompt_run
from tests.small_models import FAMILIES

TEXTS = ["The film was a joy", "dull", "the plot was far too long and the capital of France is Paris"]
WORDS = ["positive", "neg", "positively dull"]


def loaded(base: Path) -> LoadedModel:
    return load(str(base), dtype="float32", device="cpu", report=lambda _: None, stop=threading.Event())


def asked(model: LoadedModel) -> list[LabelQuestion]:
    rows = [Record(row, "label", {"text": text, "label": "neg"}) for row, text in enumerate(TEXTS)]
    return [label_question(row, WORDS, "classification", model.tokenizer) for row in rows]


def plainly(side: Side, question: LabelQuestion) -> list[float]:
    """One text at a time, without padding, token by token."""
    found = []
    for word in question.words:
        text, total = side.reading(question.prompt), 0.0
        for token in word:
            chosen = {} if side.adapter is None else {"adapter_names": [side.adapter]}
            with torch.no_grad():
                logits = side.model(input_ids=torch.tensor([text]), **chosen).logits[0, -1]
            total += float(logits.double().log_softmax(-1)[token])
            text = [*text, token]
        found.append(total)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_those_of_a_plain_loop_with_and_without_padding(family: str, small_models: dict[str, Path]) -> None:
    base = small_models[family]
    make_run("lora", str(base), base, seed=3)
    make_prompt_run("prompt", base)
    model = loaded(base)
    shelf, stop = Shelf(model), threading.Event()
    questions = asked(model)
    assert max(len(word) for word in questions[0].words) > min(len(word) for word in questions[0].words)
    for side in (shelf.base(), shelf.tuned("prompt", stop), shelf.tuned("lora", stop), shelf.tuned("prompt", stop)):
        expected = torch.tensor([plainly(side, question) for question in questions])
        for size in (1, 2, 16):
            assert torch.allclose(label_scores(side, questions, batch_size=size), expected, atol=2e-4)


def test_words_are_those_of_training_without_the_end_of_sequence(small_models: dict[str, Path]) -> None:
    model = loaded(small_models["gpt2"])
    question = asked(model)[0]
    assert model.tokenizer.decode(question.prompt) == "text : The film was a joy Label :"
    assert [model.tokenizer.decode(word) for word in question.words] == [" positive", " neg", " positively dull"]


def test_what_stands_behind_a_label_says_nothing_about_it(small_models: dict[str, Path]) -> None:
    model = loaded(small_models["gpt2"])
    row = Record(0, "label", {"text": "a joy", "label": "neg"})
    question = label_question(row, WORDS, "{text} It was{label}.", model.tokenizer)
    assert model.tokenizer.decode(question.prompt) == "a joy It was"
    assert [model.tokenizer.decode(word) for word in question.words] == [" positive", " neg", " positively dull"]


def test_only_rows_with_labels_can_be_scored(small_models: dict[str, Path]) -> None:
    model = loaded(small_models["gpt2"])
    with pytest.raises(DataError, match="Rows of text and label are needed"):
        label_question(Record(0, "text", {"text": "x"}), WORDS, "plain", model.tokenizer)
