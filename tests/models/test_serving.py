"""The model server: coming and going of models, what it answers, and people in line."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.config.run import ModelRef
from playground.errors import Busy, Cancelled, ModelError, OutOfMemory
from playground.models import memory, residence
from playground.models.generation import next_logits
from playground.models.loading import load
from playground.models.memory import MemoryEstimate
from playground.models.serving import ModelServer, PairUpdate
from playground.models.turns import Turns
from tests.models.served import GREEDY, PROMPT, expected_text, make_run

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_model_steps_aside_and_comes_back(server: ModelServer, llama: Path) -> None:
    before = server.answer(PROMPT, GREEDY).text
    with server.turn():
        aside = threading.Thread(target=server.step_aside, args=("Run A uses the memory.",))
        aside.start()
        aside.join(0.2)
        assert aside.is_alive(), "who asked before is answered first"
    aside.join(20)
    assert (server.status().state, server.status().info) == ("aside", None)
    with pytest.raises(ModelError, match=r"llama is put away for now\. Run A uses the memory\."):
        server.answer(PROMPT, GREEDY)
    server.come_back()
    assert server.wait_loaded(60).state == "ready"
    assert server.answer(PROMPT, GREEDY).text == before
    server.come_back()
    assert server.status().state == "ready", "there is nothing to come back any more"


def test_what_was_unloaded_or_replaced_meanwhile_does_not_come_back(
    server: ModelServer, small_models: dict[str, Path]
) -> None:
    server.step_aside("Run A uses the memory.")
    server.unload()
    server.come_back()
    assert server.wait_loaded(60).state == "empty"
    server.start_loading(str(small_models["gpt2"]), "float32", "cpu")
    server.wait_loaded(60)
    server.step_aside("Run B uses the memory.")
    server.start_loading(str(small_models["opt"]), "float32", "cpu")
    server.wait_loaded(60)
    server.come_back()
    assert server.wait_loaded(60).title == "opt"


def test_more_answers_than_fit_are_refused_before_they_begin(server: ModelServer) -> None:
    refusal = r"To answer 1 text of up to .* tokens at once needs about .* wait until a run has ended"
    with memory.promised(lambda: 10**15), pytest.raises(OutOfMemory, match=refusal):
        server.answer(PROMPT, GREEDY)
    assert server.answer(PROMPT, GREEDY).text


def test_loading_and_unloading(llama: Path) -> None:
    server = ModelServer()
    assert server.status().state == "empty"
    with pytest.raises(ModelError, match="No model is loaded; load one in the Model tab"):
        server.next_token("x")
    server.start_loading(str(llama), "float32", "cpu")
    status = server.wait_loaded()
    assert (status.state, status.title, status.ref, status.error) == ("ready", "llama", str(llama), "")
    assert status.info is not None
    assert status.info.dtype == "float32"
    server.unload()
    assert server.status().state == "empty"
    with pytest.raises(ModelError, match="No model is loaded"):
        server.token_texts()


def test_a_loading_that_fails_keeps_the_model_from_before(server: ModelServer, llama: Path, tmp_path: Path) -> None:
    server.start_loading(str(tmp_path / "nowhere"))
    status = server.wait_loaded()
    assert (status.state, status.ref) == ("ready", str(llama))
    assert "nowhere" in status.error
    assert server.answer(PROMPT, GREEDY).text == expected_text(llama, None, GREEDY)


def test_a_loading_that_fails_at_first_says_why(tmp_path: Path) -> None:
    server = ModelServer()
    server.start_loading(str(tmp_path / "nowhere"))
    status = server.wait_loaded()
    assert status.state == "failed"
    assert "nowhere" in status.error


class SlowLoad:
    """Stands in for `load`: waits until it is let go or stopped, and then loads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        self.began = threading.Event()
        self.real = load
        monkeypatch.setattr(residence, "load", self)

    def __call__(self, ref: ModelRef, **options: object) -> object:
        self.began.set()
        stop = options["stop"]
        assert isinstance(stop, threading.Event)
        while not self.go.wait(0.01):
            if stop.is_set():
                raise Cancelled("Loading was stopped.")
        return self.real(ref, **options)  # type: ignore[arg-type]


def test_one_loading_at_a_time_and_cancel(
    server: ModelServer, small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowLoad(monkeypatch)
    server.start_loading(str(small_models["opt"]))
    assert slow.began.wait(30)
    assert (server.status().state, server.status().title) == ("loading", "opt")
    with pytest.raises(Busy, match="opt is being loaded"):
        server.start_loading(str(small_models["gpt2"]))
    assert server.answer(PROMPT, GREEDY).text, "the model from before answers meanwhile"
    server.cancel_loading()
    assert (server.wait_loaded().state, server.status().title, server.status().error) == ("ready", "llama", "")


def test_a_model_that_does_not_fit_beside_the_other_comes_after_it(
    server: ModelServer, small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowLoad(monkeypatch)
    held = server.status().info
    assert held is not None
    tight = MemoryEstimate(bytes=100, available=100 - held.memory_bytes, device="cpu")
    monkeypatch.setattr(residence, "estimate_loading", lambda *_, **__: tight)
    server.start_loading(str(small_models["opt"]))
    assert slow.began.wait(30)
    assert server.status().info is None
    with pytest.raises(ModelError, match="opt is still being loaded"):
        server.answer(PROMPT, GREEDY)
    slow.go.set()
    assert server.wait_loaded().title == "opt"
    hopeless = MemoryEstimate(bytes=10**15, available=10**9, device="cpu")
    monkeypatch.setattr(residence, "estimate_loading", lambda *_, **__: hopeless)
    server.start_loading(str(small_models["gpt2"]))
    status = server.wait_loaded()
    assert (status.state, status.title) == ("ready", "opt"), "what could never fit drives nobody out"
    assert "choose a smaller model" in status.error


def test_next_token(server: ModelServer, llama: Path) -> None:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(llama), AutoTokenizer.from_pretrained(llama)
    found = server.next_token("The film")
    assert found.ids == tokenizer("The film")["input_ids"]
    assert found.logits.dtype == np.float32
    np.testing.assert_allclose(found.logits, next_logits(model, found.ids), atol=1e-5)
    assert found.vocabulary_id == server.vocabulary_id
    assert "".join(found.tokens) == "<s> The film"
    assert len(server.token_texts()) == len(found.logits)


def test_next_token_through_the_chat_template(server: ModelServer) -> None:
    found = server.next_token("Hello", chat=True)
    # The small template does not write <s>, so that a doubled one would show.
    assert "".join(found.tokens).removeprefix(" ") == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"


def test_drawn_tokens_come_after_the_prompt(server: ModelServer, llama: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(llama)
    drawn = tokenizer(" plot", add_special_tokens=False)["input_ids"]
    found = server.next_token("The film", drawn=drawn)
    assert found.ids == tokenizer("The film")["input_ids"] + drawn
    assert found.drawn == "".join(server.token_texts()[token] for token in drawn)


def test_a_trace_comes_with_the_next_token(server: ModelServer, llama: Path) -> None:
    drawn = server.tokenise(" plot")
    found = server.next_token("The film", drawn=drawn, traced=2)
    plain = server.next_token("The film", drawn=drawn)
    assert plain.trace is None
    assert found.trace is not None
    assert found.trace.start == len(found.ids) - 2
    np.testing.assert_allclose(found.logits, plain.logits, atol=1e-5)
    before = torch.from_numpy(server.next_token("The film", drawn=drawn[:-1]).logits).log_softmax(-1)
    assert found.trace.log_probabilities[-1].item() == pytest.approx(before[drawn[-1]].item(), abs=1e-5)


def test_a_piece_of_text_becomes_tokens_without_special_ones(server: ModelServer) -> None:
    assert "".join(server.token_texts()[token] for token in server.tokenise(" film")).strip() == "film"
    assert server.tokenise("") == []


@pytest.mark.parametrize(("family", "start"), [("llama", "<s>"), ("gpt2", "<|endoftext|>"), ("opt", "</s>")])
def test_an_empty_prompt_starts_from_the_models_own_token(
    small_models: dict[str, Path], family: str, start: str
) -> None:
    server = ModelServer()
    server.start_loading(str(small_models[family]))
    assert server.wait_loaded().state == "ready"
    assert server.next_token("").tokens == [start]


def test_an_empty_prompt_without_such_a_token_is_an_error(server: ModelServer) -> None:
    tokenizer = server.tokenizer
    tokenizer.add_bos_token = False
    tokenizer.backend_tokenizer.post_processor = None
    tokenizer.bos_token = tokenizer.eos_token = None
    with pytest.raises(ModelError, match="no token that starts a text"):
        server.next_token("")


def test_what_cannot_be_looked_at(server: ModelServer) -> None:
    with pytest.raises(ModelError, match=r"context holds 512; shorten"):
        server.next_token("plot " * 600)
    server.tokenizer.chat_template = None
    with pytest.raises(ModelError, match="no chat template"):
        server.next_token("Hello", chat=True)


def test_a_reader_who_leaves_holds_nobody_up(server: ModelServer, llama: Path) -> None:
    make_run("one", str(llama), llama, seed=1)
    long = replace(GREEDY, max_new_tokens=480)
    gone = server.stream_pair(PROMPT, "one", long)
    assert not next(gone).done
    gone.close()
    asleep = server.stream_pair(PROMPT, "one", replace(GREEDY, max_new_tokens=4))
    next(asleep)
    assert server.answer(PROMPT, GREEDY).text == expected_text(llama, None, GREEDY)


def test_people_in_line_see_their_place_and_can_leave(server: ModelServer, llama: Path) -> None:
    make_run("one", str(llama), llama, seed=1)
    stop = threading.Event()
    with server.turns.take():
        waiting = server.stream_pair(PROMPT, "one", GREEDY, stop)
        assert next(waiting) == PairUpdate("", "", done=False, ahead=1)
        assert server.status().waiting == 1
        stop.set()
        assert list(waiting)[-1] == PairUpdate("", "", done=True)
        cancelled = threading.Event()
        cancelled.set()
    with server.turns.take(), ThreadPoolExecutor(1) as other, pytest.raises(Cancelled):
        other.submit(server.answer, PROMPT, GREEDY, stop=cancelled).result()


def test_turns_are_given_in_the_order_of_asking() -> None:
    turns = Turns()
    order: list[int] = []

    def ask(number: int) -> None:
        with turns.take(), turns.take():
            order.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    with turns.take():
        for number, thread in enumerate(threads):
            thread.start()
            deadline = time.monotonic() + 30
            while turns.waiting <= number:
                assert time.monotonic() < deadline
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(20))
    assert turns.waiting == 0
