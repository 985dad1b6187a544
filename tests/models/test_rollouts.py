"""Rollouts: the tokens of `generate`, the probabilities of a plain forward pass, and room for other people."""

import threading
import time
from pathlib import Path

import pytest
import torch

from playground.config.generation import GenerationSettings
from playground.core.sampling import transform
from playground.errors import Cancelled, ModelError
from playground.models import drawing as module
from playground.models import rollouts
from playground.models.drawing import Drawing
from playground.models.generation import generate, inference
from playground.models.loading import LoadedModel, load
from playground.models.rollouts import Drawn, Rollout, Wish, draw
from playground.models.serving import ModelServer
from playground.models.shelf import Side
from playground.runs.events import Progress
from tests.models.served import make_run

pytestmark = pytest.mark.usefixtures("one_thread")

PROMPT = "The film was a joy"
SETTINGS = GenerationSettings(strategy="sampling", max_new_tokens=12, temperature=1.3, seed=3)
EVERYTHING = GenerationSettings(
    strategy="sampling", max_new_tokens=10, temperature=0.8, top_k=50, top_p=0.95, min_p=0.001, typical_p=0.98, seed=5,
    repetition_penalty=1.2, presence_penalty=0.3, frequency_penalty=-0.1,
)  # fmt: skip


@pytest.fixture(scope="module")
def loaded(small_models: dict[str, Path]) -> dict[str, LoadedModel]:
    return {
        family: load(str(folder), dtype="float32", device="cpu", report=lambda _: None, stop=threading.Event())
        for family, folder in small_models.items()
    }


@pytest.fixture
def server(small_models: dict[str, Path]) -> ModelServer:
    found = ModelServer()
    found.start_loading(str(small_models["llama"]), "float32", "cpu")
    assert found.wait_loaded().state == "ready"
    return found


def drawn(model: LoadedModel, settings: GenerationSettings, count: int, rows: int | None = None) -> list[Rollout]:
    prompt = model.tokenizer(PROMPT)["input_ids"]
    drawing = Drawing(Side(model.model, None), model.tokenizer, prompt, settings, count, rows_at_once=rows)
    with inference(model.model):
        while not drawing.done:
            drawing.step(Side(model.model, None))
    assert drawing.drawn == drawing.total
    return drawing.finished


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
@pytest.mark.parametrize("settings", [SETTINGS, EVERYTHING], ids=["plain", "everything"])
def test_they_are_the_answers_of_generate(
    loaded: dict[str, LoadedModel], family: str, settings: GenerationSettings
) -> None:
    model = loaded[family]
    prompt = model.tokenizer(PROMPT)["input_ids"]
    answers = generate(model.model, model.tokenizer, [prompt] * 9, settings)
    found = drawn(model, settings, 9)
    assert [one.ids for one in found] == [one.ids for one in answers]
    assert [one.text for one in found] == [one.text for one in answers]
    assert [one.ended for one in found] == [one.ended for one in answers]
    assert len({tuple(one.ids) for one in found}) > 5


@pytest.mark.parametrize("settings", [SETTINGS, EVERYTHING], ids=["plain", "everything"])
def test_log_probabilities_are_those_of_a_plain_forward_pass(
    loaded: dict[str, LoadedModel], settings: GenerationSettings
) -> None:
    """Of the raw distribution by log-softmax, of the one drawn from by `transform`, the reference in float64."""
    model = loaded["llama"]
    prompt = model.tokenizer(PROMPT)["input_ids"]
    for one in drawn(model, settings, 6):
        with torch.no_grad():
            logits = model.model(torch.tensor([prompt + one.ids])).logits[0, len(prompt) - 1 : -1].double()
        raw = logits.log_softmax(-1).gather(-1, torch.tensor(one.ids).unsqueeze(-1)).squeeze(-1)
        assert one.raw_logs == pytest.approx(raw.tolist(), abs=1e-4)
        for at, token in enumerate(one.ids):
            policy = transform(
                logits[at], temperature_value=settings.temperature, k=settings.top_k, p=settings.top_p,
                min_p_share=settings.min_p, typical_mass=settings.typical_p, penalty=settings.repetition_penalty,
                presence=settings.presence_penalty, frequency=settings.frequency_penalty,
                previous_ids=torch.tensor(prompt + one.ids[:at]),
            )  # fmt: skip
            assert one.logs[at] == pytest.approx(float(policy.probabilities[token].log()), abs=1e-4)


@pytest.mark.parametrize("rows", [1, 4, 7])
def test_they_do_not_depend_on_the_batch(loaded: dict[str, LoadedModel], rows: int) -> None:
    whole, parts = drawn(loaded["gpt2"], SETTINGS, 7), drawn(loaded["gpt2"], SETTINGS, 7, rows)
    assert [one.ids for one in parts] == [one.ids for one in whole]
    for one, other in zip(parts, whole, strict=True):
        assert one.logs == pytest.approx(other.logs, abs=1e-5)


def test_a_small_number_is_the_beginning_of_a_large_one_and_another_seed_is_another(
    loaded: dict[str, LoadedModel],
) -> None:
    few, many = drawn(loaded["llama"], SETTINGS, 3), drawn(loaded["llama"], SETTINGS, 6)
    assert [one.ids for one in many[:3]] == [one.ids for one in few]
    other = drawn(loaded["llama"], GenerationSettings(strategy="sampling", max_new_tokens=12, seed=4), 3)
    assert [one.ids for one in other] != [one.ids for one in few]


def test_at_temperature_0_all_are_the_same_and_certain(loaded: dict[str, LoadedModel]) -> None:
    found = drawn(loaded["llama"], GenerationSettings(strategy="sampling", max_new_tokens=5, temperature=0), 3)
    assert len({tuple(one.ids) for one in found}) == 1
    assert found[0].logs == [0] * len(found[0].ids)
    assert all(log < 0 for log in found[0].raw_logs)


def test_models_that_keep_no_cache_give_the_same(
    loaded: dict[str, LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = drawn(loaded["llama"], SETTINGS, 4)
    monkeypatch.setattr(module, "keeps_all", lambda _: False)
    assert [one.ids for one in drawn(loaded["llama"], SETTINGS, 4)] == [one.ids for one in expected]


def test_batches_fit_into_the_memory_there_is(loaded: dict[str, LoadedModel], monkeypatch: pytest.MonkeyPatch) -> None:
    expected = drawn(loaded["llama"], SETTINGS, 5)
    sizes: list[int] = []
    real = module._forward

    def seen(side: Side, ids: torch.Tensor, cache: object) -> torch.Tensor:
        sizes.append(ids.shape[0])
        return real(side, ids, cache)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_forward", seen)
    monkeypatch.setattr(module, "available", lambda _: 150_000)
    assert [one.ids for one in drawn(loaded["llama"], SETTINGS, 5)] == [one.ids for one in expected]
    assert max(sizes) < 5


def test_a_prompt_that_leaves_no_room_is_told_and_a_long_one_is_gone_on_from_to_the_end(server: ModelServer) -> None:
    ids = [5] * 512
    with pytest.raises(ModelError, match="The prompt has 512 tokens, but the model's context holds 512"):
        draw(server, Wish(ids, SETTINGS, 2))
    with pytest.raises(ModelError, match="The prompt is empty"):
        draw(server, Wish([], SETTINGS, 2))
    found = draw(server, Wish(ids[:507], SETTINGS, 2))
    assert max(len(one.ids) for one in found.rollouts) <= 5


def test_everything_is_told_as_it_goes(server: ModelServer) -> None:
    heard: list[Progress] = []
    found = draw(server, Wish(PROMPT, SETTINGS, 4), report=heard.append)
    assert found.complete
    assert len(found.rollouts) == 4
    assert [progress.done for progress in heard] == sorted(progress.done for progress in heard)
    assert (heard[-1].stage, heard[-1].done, heard[-1].total, heard[-1].unit) == ("drawing", 48, 48, "tokens")
    assert set(found.tokens) == {token for one in found.rollouts for token in one.ids}


def test_a_stop_ends_at_the_next_token_and_keeps_whole_batches(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 2)
    stop, heard = threading.Event(), list[Progress]()

    def report(progress: Progress) -> None:
        heard.append(progress)
        if progress.done >= 5 * 12:  # within the third batch
            stop.set()

    found = draw(server, Wish(PROMPT, SETTINGS, 10), report=report, stop=stop)
    assert not found.complete
    assert len(found.rollouts) in (4, 6)
    assert len(found.rollouts) % 2 == 0
    assert heard[-1].done < 7 * 12
    stop.set()
    with pytest.raises(Cancelled):
        draw(server, Wish(PROMPT, SETTINGS, 10), stop=stop)


def test_others_are_answered_in_between(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollouts, "TURN_SECONDS", 0.0)
    long = Wish(PROMPT, GenerationSettings(strategy="sampling", max_new_tokens=60, seed=1), 8)
    alone = draw(server, long)
    begun, found = threading.Event(), list[Drawn]()
    worker = threading.Thread(
        target=lambda: found.append(draw(server, long, report=lambda _: (begun.set(), time.sleep(0.02))[0]))  # type: ignore[func-returns-value]
    )
    worker.start()
    begun.wait(20)
    answered = 0
    while worker.is_alive() and answered < 3:
        server.next_token("The plot")
        answered += 1
    assert worker.is_alive()
    worker.join(60)
    assert answered == 3
    assert [one.ids for one in found[0].rollouts] == [one.ids for one in alone.rollouts]


def test_a_model_that_is_replaced_meanwhile_is_told(server: ModelServer, small_models: dict[str, Path]) -> None:
    replaced: list[bool] = []

    def report(_: Progress) -> None:
        if not replaced:
            replaced.append(True)
            server.start_loading(str(small_models["gpt2"]), "float32", "cpu")
            while not server.turns.waiting:
                time.sleep(0.01)
            time.sleep(rollouts.TURN_SECONDS)

    with pytest.raises(ModelError, match="was replaced while rollouts were being drawn"):
        draw(server, Wish(PROMPT, SETTINGS, 4), report=report)


def test_a_run_draws_as_it_was_left(server: ModelServer, small_models: dict[str, Path]) -> None:
    make_run("tuned", str(small_models["llama"]), small_models["llama"], seed=1)
    base = draw(server, Wish(PROMPT, SETTINGS, 3))
    tuned = draw(server, Wish(PROMPT, SETTINGS, 3, run="tuned"))
    assert [one.ids for one in tuned.rollouts] != [one.ids for one in base.rollouts]
    assert tuned.rollouts[0].text == server.answer(PROMPT, SETTINGS, run="tuned").text
    again = draw(server, Wish(PROMPT, SETTINGS, 3))
    assert [one.ids for one in again.rollouts] == [one.ids for one in base.rollouts]


def test_a_chat_goes_through_the_models_template(server: ModelServer) -> None:
    found = draw(server, Wish("Hello", SETTINGS, 1, chat=True))
    assert "assistant" in server.tokenizer.decode(found.prompt)
