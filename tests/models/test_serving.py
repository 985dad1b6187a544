"""The model server: coming and going of models, adapters of runs, and many people at once."""

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.config import codec
from playground.config.generation import GenerationSettings
from playground.config.run import AdapterSettings, ModelRef, RunConfig, RunRef
from playground.errors import Busy, Cancelled, ModelError, OutOfMemory, RunError
from playground.models import memory, residence, shelf
from playground.models.adapters import attach_lora, merge_adapter
from playground.models.generation import generate, next_logits
from playground.models.loading import load
from playground.models.memory import MemoryEstimate
from playground.models.serving import ModelServer, PairUpdate
from playground.models.turns import Turns
from playground.runs.home import runs_folder
from tests.waiting import wait_until

GREEDY = GenerationSettings(max_new_tokens=16)
SAMPLING = GenerationSettings(strategy="sampling", max_new_tokens=16, temperature=1.3, seed=5)
PROMPT = "Human: What is the capital of France?\n\nAssistant:"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small models are faster without a team of threads, and a busy machine slows them less."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def llama(small_models: dict[str, Path]) -> Path:
    return small_models["llama"]


@pytest.fixture
def server(llama: Path) -> ModelServer:
    """With the small Llama loaded."""
    found = ModelServer()
    found.start_loading(str(llama), "float32", "cpu")
    status = found.wait_loaded()
    assert status.state == "ready", status.error
    return found


def make_run(run: str, model: ModelRef, base: Path, *, seed: int, kind: str = "adapter") -> Path:
    """A run's folder with weights as if it had been trained: an adapter far from zero, or the model merged with it."""
    folder = runs_folder() / run
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(codec.dumps(RunConfig(model=model, name=f"the {run}")), encoding="utf-8")
    tuned = attach_lora(AutoModelForCausalLM.from_pretrained(base), AdapterSettings(rank=4), seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator))
    if kind == "adapter":
        tuned.save_pretrained(folder / "adapter")
    else:
        tuned.merge_and_unload().save_pretrained(folder / "model")
        AutoTokenizer.from_pretrained(base).save_pretrained(folder / "model")
    return folder


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


def expected_text(base: Path, run: str | None, settings: GenerationSettings, prompt: str = PROMPT) -> str:
    """What a model with the run's adapter merged into its weights answers by itself."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    if run:
        merge_adapter(model, runs_folder() / run / "adapter")
    return generate(model, tokenizer, [tokenizer(prompt)["input_ids"]], settings)[0].text


# coming and going


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


# next token


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


# runs


def test_an_adapter_of_a_run_answers_as_if_merged(server: ModelServer, llama: Path) -> None:
    make_run("one", str(llama), llama, seed=1)
    merged = merge_adapter(AutoModelForCausalLM.from_pretrained(llama), runs_folder() / "one" / "adapter")
    found = server.next_token(PROMPT, run="one")
    np.testing.assert_allclose(found.logits, next_logits(merged, found.ids), atol=1e-4)
    plain = AutoModelForCausalLM.from_pretrained(llama)
    assert np.abs(found.logits - next_logits(plain, found.ids).numpy()).max() > 0.1
    np.testing.assert_allclose(server.next_token(PROMPT).logits, next_logits(plain, found.ids), atol=1e-4)
    assert server.answer(PROMPT, GREEDY, run="one").text == expected_text(llama, "one", GREEDY)


@pytest.mark.parametrize("damage", ["cut", "gone", "nonsense", "settings"])
def test_a_damaged_adapter_is_an_error_and_the_model_stays_whole(server: ModelServer, llama: Path, damage: str) -> None:
    make_run("good", str(llama), llama, seed=1)
    broken = make_run("broken", str(llama), llama, seed=2) / "adapter"
    weights = broken / "adapter_model.safetensors"
    match damage:
        case "cut":
            weights.write_bytes(weights.read_bytes()[:-100])
        case "gone":
            weights.unlink()
        case "nonsense":
            weights.write_bytes(b"nonsense")
        case "settings":
            (broken / "adapter_config.json").write_text("{", encoding="utf-8")
    before = server.answer(PROMPT, GREEDY, run="good").text
    with pytest.raises(ModelError, match="adapter of broken cannot be read: a file of it is missing, cut short"):
        server.answer(PROMPT, GREEDY, run="broken")
    assert server.answer(PROMPT, GREEDY, run="good").text == before


STRATEGIES = (GREEDY, SAMPLING, GenerationSettings(strategy="beam", num_beams=3, max_new_tokens=8))


@pytest.mark.parametrize("settings", STRATEGIES, ids=lambda chosen: chosen.strategy)
def test_both_sides_at_once_equal_each_alone(server: ModelServer, llama: Path, settings: GenerationSettings) -> None:
    make_run("one", str(llama), llama, seed=1)
    updates = list(server.stream_pair(PROMPT, "one", settings))
    last = updates[-1]
    assert last == PairUpdate(expected_text(llama, None, settings), expected_text(llama, "one", settings), done=True)
    assert last.base != last.tuned
    assert [update.done for update in updates] == [False] * (len(updates) - 1) + [True]
    if "\ufffd" not in last.base + last.tuned:  # bytes that are no text are judged anew with every further byte
        assert all(last.base.startswith(update.base) and last.tuned.startswith(update.tuned) for update in updates)


def test_adapters_come_and_go(server: ModelServer, llama: Path) -> None:
    """More runs than stay attached, asked for twice over; then one deleted, one trained further, and none left."""
    runs = [f"run{number}" for number in range(shelf.ADAPTERS + 2)]
    for seed, run in enumerate(runs):
        make_run(run, str(llama), llama, seed=seed)
    texts = {run: expected_text(llama, run, GREEDY) for run in runs}
    for run in runs + runs[::-1]:
        assert server.answer(PROMPT, GREEDY, run=run).text == texts[run]
    shutil.rmtree(runs_folder() / runs[0])
    with pytest.raises(RunError, match="not there; it was deleted"):
        server.answer(PROMPT, GREEDY, run=runs[0])
    shutil.rmtree(runs_folder() / runs[1])
    make_run(runs[1], str(llama), llama, seed=77)
    assert server.answer(PROMPT, GREEDY, run=runs[1]).text == expected_text(llama, runs[1], GREEDY) != texts[runs[1]]
    shutil.rmtree(runs_folder())
    for run in runs:
        with pytest.raises(RunError):
            server.answer(PROMPT, GREEDY, run=run)
    assert server.answer(PROMPT, GREEDY).text == expected_text(llama, None, GREEDY)


def test_a_deleted_run_gives_its_memory_back_in_its_turn(server: ModelServer, llama: Path) -> None:
    make_run("gone", str(llama), llama, seed=1)
    make_run("stays", str(llama), llama, seed=2)
    text = server.answer(PROMPT, GREEDY, run="stays").text
    server.answer(PROMPT, GREEDY, run="gone")
    held = server.require().shelf
    with server.turn():
        server.forget("gone")
        assert held.holds("gone")
    wait_until(lambda: not held.holds("gone"))
    assert held.holds("stays")
    assert server.answer(PROMPT, GREEDY, run="stays").text == text
    server.forget("stays")
    wait_until(lambda: not held.holds("stays"))
    server.forget("nobody")
    assert server.answer(PROMPT, GREEDY).text == expected_text(llama, None, GREEDY)


def test_runs_that_cannot_sit_on_the_loaded_model(
    server: ModelServer, llama: Path, small_models: dict[str, Path]
) -> None:
    make_run("other", str(small_models["opt"]), small_models["opt"], seed=1)
    with pytest.raises(ModelError, match=r"Run the other was trained on opt, but the loaded model is llama; load opt"):
        server.answer(PROMPT, GREEDY, run="other")
    make_run("chained", RunRef("other"), llama, seed=1)
    with pytest.raises(ModelError, match="trained on the model of run other"):
        list(server.stream_pair(PROMPT, "chained", GREEDY))
    empty = make_run("empty", str(llama), llama, seed=1)
    shutil.rmtree(empty / "adapter")
    with pytest.raises(RunError, match="the empty has no trained weights"):
        server.next_token(PROMPT, run="empty")


def test_a_run_on_a_run_sits_on_the_model_of_that_run(server: ModelServer, llama: Path) -> None:
    make_run("first", str(llama), llama, seed=1)
    make_run("second", RunRef("first"), llama, seed=2)
    server.start_loading(RunRef("first"), "float32", "cpu")
    assert server.wait_loaded().state == "ready"
    model = merge_adapter(AutoModelForCausalLM.from_pretrained(llama), runs_folder() / "first" / "adapter")
    ids = server.next_token(PROMPT).ids
    np.testing.assert_allclose(server.next_token(PROMPT).logits, next_logits(model, ids), atol=1e-4)
    merge_adapter(model, runs_folder() / "second" / "adapter")
    np.testing.assert_allclose(server.next_token(PROMPT, run="second").logits, next_logits(model, ids), atol=1e-4)


def test_a_wholly_trained_model_stands_beside_its_base(
    server: ModelServer, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run("whole", str(llama), llama, seed=1, kind="model")
    *_, last = server.stream_pair(PROMPT, "whole", SAMPLING)
    assert last.base == expected_text(llama, None, SAMPLING)
    assert last.tuned == expected_text(folder / "model", None, SAMPLING)
    make_run("larger", str(llama), llama, seed=2, kind="model")
    hopeless = MemoryEstimate(bytes=10**15, available=10**9, device="cpu")
    monkeypatch.setattr(shelf, "estimate_loading", lambda *_, **__: hopeless)
    with pytest.raises(OutOfMemory, match="load the model of run larger by itself"):
        server.answer(PROMPT, GREEDY, run="larger")


# many people


def test_many_people_with_different_runs_get_what_they_would_get_alone(server: ModelServer, llama: Path) -> None:
    runs = [None, "one", "two", "three"]
    for seed, run in enumerate(runs[1:]):
        assert run
        make_run(run, str(llama), llama, seed=seed)
    prompts = ["The film", PROMPT]
    expected = {
        (run, prompt, settings.strategy): expected_text(llama, run, settings, prompt)
        for run in runs
        for prompt in prompts
        for settings in (GREEDY, SAMPLING)
    }
    assert len(set(expected.values())) > len(expected) / 2, "the runs must differ for the test to say anything"

    def ask(case: int) -> None:
        run, prompt = runs[case % 4], prompts[case // 4 % 2]
        settings = (GREEDY, SAMPLING)[case // 8 % 2]
        if run and case % 3 == 0:
            *_, last = server.stream_pair(prompt, run, settings)
            assert last.tuned == expected[run, prompt, settings.strategy]
            assert last.base == expected[None, prompt, settings.strategy]
        else:
            assert server.answer(prompt, settings, run=run).text == expected[run, prompt, settings.strategy]

    with ThreadPoolExecutor(12) as people:
        list(people.map(ask, range(48)))
    assert server.status().waiting == 0


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
