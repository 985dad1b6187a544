"""The references' losses against a plain loop, one token after the other, on three families of models."""

import math
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from playground.data.records import Message, Record
from playground.errors import Cancelled
from playground.evaluation import perplexity
from playground.evaluation.perplexity import reference_losses
from playground.evaluation.questions import ask
from tests.small_models import FAMILIES, Family, tokenizer_of

RECORDS = [
    Record(0, "instruction", {"instruction": "Rewrite the sentence.", "input": "He go.", "output": "He goes."}),
    Record(1, "instruction", {"instruction": "Name the capital of France.", "input": "", "output": "Paris, a joy."}),
    Record(2, "instruction", {"instruction": "Say " + "park " * 30, "input": "", "output": "day"}),
]


def plainly(model: Any, prompt: list[int], answer: list[int]) -> float:
    """−log p of the answer, from a forward pass of its own for every token."""
    nats = 0.0
    for place, token in enumerate(answer):
        with torch.no_grad():
            logits = model(torch.tensor([prompt + answer[:place]])).logits[0, -1].double()
        nats -= float(torch.log_softmax(logits, dim=-1)[token])
    return nats


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_are_those_of_a_plain_loop(family: Family, small_models: dict[str, Path]) -> None:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(small_models[family]), tokenizer_of(family)
    asked = ask(RECORDS, "alpaca", tokenizer, 512)
    assert all(answer[-1] == tokenizer.eos_token_id for answer in asked.references)
    found = reference_losses(model, asked.prompts, asked.references, batch_size=3)
    for loss, prompt, answer in zip(found, asked.prompts, asked.references, strict=True):
        assert loss.tokens == len(answer)
        assert loss.nats == pytest.approx(plainly(model, prompt, answer), rel=1e-4)
        assert math.isfinite(math.exp(loss.nats / loss.tokens))


def test_losses_do_not_depend_on_the_batch(small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(small_models["llama"]), tokenizer_of("llama")
    asked = ask(RECORDS, "alpaca", tokenizer, 512)
    together = reference_losses(model, asked.prompts, asked.references, batch_size=3)
    told: list[float] = []
    monkeypatch.setattr(perplexity, "LOGITS", 1)  # so that only one row is read at a time
    alone = reference_losses(
        model, asked.prompts, asked.references, batch_size=3, report=lambda progress: told.append(progress.done)
    )
    assert told == [1, 2, 3]
    assert [one.nats for one in alone] == pytest.approx([one.nats for one in together], rel=1e-5)


def test_only_the_last_answer_of_a_conversation_counts_as_far_as_the_context_goes() -> None:
    tokenizer = tokenizer_of("llama")
    turns = ("user", "Hello"), ("assistant", "Good day."), ("user", "And now?"), ("assistant", "The film was a joy.")
    record = Record(0, "messages", messages=tuple(Message(role, text) for role, text in turns))  # type: ignore[arg-type]
    asked = ask([record], "chat", tokenizer, None)
    [prompt], [whole] = asked.prompts, asked.references
    assert str(tokenizer.decode(whole, skip_special_tokens=True)).strip() == "The film was a joy."
    assert ask([record], "chat", tokenizer, len(prompt) + 2).references == [whole[:2]]


def test_a_stop_is_heard_between_batches(small_models: dict[str, Path]) -> None:
    model, stop = AutoModelForCausalLM.from_pretrained(small_models["llama"]), threading.Event()
    with pytest.raises(Cancelled):
        reference_losses(model, [[5], [6]], [[7], [8]], batch_size=1, report=lambda _: stop.set(), stop=stop)
