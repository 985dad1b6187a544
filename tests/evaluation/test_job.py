"""An evaluation, whole, on small real models: the answers are the models' own, the scores are the answers'."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from playground.config.evaluation import EvaluationSettings
from playground.config.generation import GenerationSettings
from playground.errors import DataError
from playground.evaluation import job
from playground.evaluation.metrics import score
from playground.evaluation.questions import ask
from playground.evaluation.subject import EXAMPLES, held_out, subject_of
from playground.runs.context import JobContext
from playground.runs.events import Event, Log, Phase, PhaseChange, Progress
from playground.runs.store import RunStore
from tests.evaluation.finished_runs import data_file, finished_run, greedy, tokenizer_of

NEW_TOKENS = 8


class Listener:
    """A context that remembers what it was told."""

    def __init__(self, folder: Path) -> None:
        self.events: list[Event] = []
        self.context = JobContext("job", folder, self.take, threading.Event())
        folder.mkdir(exist_ok=True)

    def take(self, event: Event) -> None:
        self.events.append(event)

    def progress(self, stage: str) -> list[float]:
        return [event.done for event in self.events if isinstance(event, Progress) and event.stage == stage]

    def examples(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.context.folder / EXAMPLES).read_text(encoding="utf-8"))
        return found


def settings(run: str, **values: Any) -> EvaluationSettings:
    generation = GenerationSettings(max_new_tokens=NEW_TOKENS, **values.pop("generation", {}))
    return EvaluationSettings(run=run, generation=generation, **values)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small spend their time handing work between threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def store() -> RunStore:
    return RunStore()


@pytest.fixture
def listener(tmp_path: Path) -> Listener:
    return Listener(tmp_path / "evaluation")


def answers_of(model: Any, run: str, store: RunStore, folder: Path) -> list[str]:
    """What `model` answers to the held-out rows, by the plainest means."""
    subject, tokenizer = subject_of(run, store), tokenizer_of(folder)
    asked = ask(held_out(subject, settings(run)), subject.config.data.template, tokenizer, None)
    return [greedy(model, tokenizer, prompt, NEW_TOKENS) for prompt in asked.prompts]


def test_an_adapter_against_its_base(
    store: RunStore, listener: Listener, small_models: dict[str, Path], tmp_path: Path
) -> None:
    folder = small_models["llama"]
    run = finished_run(store, folder, data_file(tmp_path))
    outcome = job.execute(settings(run, batch_size=3), listener.context)
    examples = listener.examples()
    base = AutoModelForCausalLM.from_pretrained(folder)
    assert [example["base"] for example in examples] == answers_of(base, run, store, folder)
    tuned = PeftModel.from_pretrained(base, str(store.folder(run) / "adapter"))
    assert [example["tuned"] for example in examples] == answers_of(tuned, run, store, folder)
    assert any(example["base"] != example["tuned"] for example in examples), "the adapter must matter"
    report = outcome.report
    references = [example["reference"] for example in examples]
    for side in ("base", "tuned"):
        assert report[side] == score([example[side] for example in examples], references).to_json()
    assert (report["run"], report["split"], report["examples"]) == (run, "test", 10)
    assert report["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert not outcome.stopped


def test_progress_is_told_for_both_sides(
    store: RunStore, listener: Listener, small_models: dict[str, Path], tmp_path: Path
) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    job.execute(settings(run, limit=4), listener.context)
    assert listener.progress("answering base")[-1] == 4
    assert listener.progress("answering tuned")[-1] == 4
    phases = [event.phase for event in listener.events if isinstance(event, PhaseChange)]
    assert phases == [Phase.RUNNING]


def test_a_whole_model_against_its_base(
    store: RunStore, listener: Listener, small_models: dict[str, Path], tmp_path: Path
) -> None:
    folder = small_models["llama"]
    run = finished_run(store, folder, data_file(tmp_path), left="model", adapter={"kind": "none"})
    job.execute(settings(run), listener.context)
    examples = listener.examples()
    for side, place in (("base", folder), ("tuned", store.folder(run) / "model")):
        model = AutoModelForCausalLM.from_pretrained(place)
        assert [example[side] for example in examples] == answers_of(model, run, store, folder)


def test_sampled_answers_do_not_depend_on_the_batch_or_the_other_rows(
    store: RunStore, tmp_path: Path, small_models: dict[str, Path]
) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    sampling = {"strategy": "sampling", "temperature": 1.0, "seed": 3}
    found = []
    for batch_size, limit in ((16, None), (2, 5)):
        listener = Listener(tmp_path / f"by-{batch_size}")
        job.execute(settings(run, batch_size=batch_size, limit=limit, generation=sampling), listener.context)
        found.append([(example["base"], example["tuned"]) for example in listener.examples()])
    assert found[0][:5] == found[1]
    assert len({base for base, _ in found[0]}) > 1


def test_a_stop_between_tokens_leaves_nothing_half(
    store: RunStore, tmp_path: Path, small_models: dict[str, Path]
) -> None:
    class Stopping(Listener):
        def take(self, event: Event) -> None:
            super().take(event)
            if isinstance(event, Progress) and event.stage == "answering base":
                self.context.stop.set()

    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    listener = Stopping(tmp_path / "stopped")
    assert job.execute(settings(run, batch_size=2), listener.context).stopped
    assert listener.progress("answering tuned") == []
    assert not (listener.context.folder / EXAMPLES).exists()


def test_rows_too_long_for_the_model_are_left_out_and_said(
    store: RunStore, listener: Listener, small_models: dict[str, Path], tmp_path: Path
) -> None:
    data = data_file(tmp_path)
    rows = json.loads(data.read_text(encoding="utf-8"))
    rows[12]["instruction"] = "park day film " * 400
    data.write_text(json.dumps(rows), encoding="utf-8")
    run = finished_run(store, small_models["llama"], data)
    assert job.execute(settings(run), listener.context).report["examples"] == 9
    assert [example["row"] for example in listener.examples()] == [10, 11, *range(13, 20)]
    [warning] = [event for event in listener.events if isinstance(event, Log) and event.level == "warning"]
    assert warning.text.startswith("1 of 10 rows are left out. 1 × (first: row 12): Its prompt of ")


def test_no_row_that_fits_is_an_error(
    store: RunStore, listener: Listener, small_models: dict[str, Path], tmp_path: Path
) -> None:
    data = data_file(tmp_path)
    rows = [row | {"instruction": "park day film " * 400} for row in json.loads(data.read_text(encoding="utf-8"))]
    data.write_text(json.dumps(rows), encoding="utf-8")
    run = finished_run(store, small_models["llama"], data)
    with pytest.raises(DataError, match=r"None of the 10 rows can be asked; row 10: Its prompt of .* tokens fills"):
        job.execute(settings(run), listener.context)
