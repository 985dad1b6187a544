"""The bundled model is what its card says: small, as good as its grammar allows, and in two minds about every film."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from playground.config.generation import GenerationSettings
from playground.models import catalogue
from playground.models.generation import generate
from scripts.tiny.dice import Dice
from scripts.tiny.grammar import document, is_positive

LARGEST = 10_000_000
TEXTS = 150
FRESH_SEED = 12
"""Neither the seed of the training texts nor that of the card's."""


@pytest.fixture(scope="module")
def folder() -> Path:
    entry = catalogue.find("tiny")
    assert entry is not None
    assert entry.folder is not None
    return entry.folder


@pytest.fixture(scope="module")
def tiny(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(folder)


def test_it_is_as_small_as_the_catalogue_says(
    folder: Path, tiny: tuple[PreTrainedModel, PreTrainedTokenizerBase]
) -> None:
    assert sum(file.stat().st_size for file in folder.iterdir()) < LARGEST
    entry = catalogue.find("tiny")
    assert entry is not None
    model, _ = tiny
    assert model.num_parameters() == entry.parameters
    assert model.config.max_position_embeddings == entry.context_length


def test_it_is_hardly_more_surprised_than_its_grammar(
    tiny: tuple[PreTrainedModel, PreTrainedTokenizerBase],
) -> None:
    model, tokenizer = tiny
    dice = Dice(FRESH_SEED)
    end = tokenizer.eos_token_id
    nats = 0.0
    for _ in range(TEXTS):
        ids = torch.tensor([[end, *tokenizer(document(dice))["input_ids"], end]])
        with torch.inference_mode():
            nats += model(input_ids=ids, labels=ids).loss.item() * (ids.shape[1] - 1)
    assert nats / dice.nats == pytest.approx(1, abs=0.03)


def test_it_writes_good_and_bad_reviews_alike(tiny: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    model, tokenizer = tiny
    prompt = "I watched The Wandering Bear last night"
    ids = [tokenizer.eos_token_id, *tokenizer(prompt)["input_ids"]]
    settings = GenerationSettings(strategy="sampling", max_new_tokens=60, temperature=1.0, seed=3)
    answers = generate(model, tokenizer, [ids] * 60, settings)
    assert all(answer.ended for answer in answers)
    verdicts = [is_positive(prompt + answer.text) for answer in answers]
    assert None not in verdicts
    assert 0.3 < sum(map(bool, verdicts)) / len(verdicts) < 0.7
