"""Runs on the loaded model: each answers as its own merged weights would, whoever else is there."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoModelForCausalLM

from playground.config.generation import GenerationSettings
from playground.config.run import RunRef
from playground.errors import ModelError, OutOfMemory, RunError
from playground.models import shelf
from playground.models.adapters import merge_adapter
from playground.models.generation import next_logits
from playground.models.memory import MemoryEstimate
from playground.models.serving import ModelServer, PairUpdate
from playground.runs.home import runs_folder
from tests.models.served import GREEDY, PROMPT, SAMPLING, expected_text, make_run
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("one_thread")


STRATEGIES = (GREEDY, SAMPLING, GenerationSettings(strategy="beam", num_beams=3, max_new_tokens=8))


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
