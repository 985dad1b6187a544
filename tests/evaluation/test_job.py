"""An evaluation, whole, on small real models: the answers are the models' own, the scores are the answers'."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from playground.config.evaluation import EvaluationSettings
from playground.config.generation import GenerationSettings
from playground.errors import DataError
from playground.evaluation import answering, job
from playground.evaluation.metrics import score
from playground.evaluation.questions import ask
from playground.evaluation.subject import EXAMPLES, held_out, subject_of
from playground.runs import steps
from playground.runs.context import JobContext
from playground.runs.events import Event, Log, Phase, PhaseChange, Progress
from playground.runs.store import RunStore
from tests.evaluation.finished_runs import data_file, finished_run, greedy, tokenizer_of

pytestmark = pytest.mark.usefixtures("one_thread")

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
    assert [example["answers"]["base"] for example in examples] == answers_of(base, run, store, folder)
    tuned = PeftModel.from_pretrained(base, str(store.folder(run) / "adapter"))
    assert [example["answers"][run] for example in examples] == answers_of(tuned, run, store, folder)
    assert any(example["answers"]["base"] != example["answers"][run] for example in examples), "the adapter must matter"
    report = outcome.report
    references = [example["reference"] for example in examples]
    for side, model in (("base", "base"), ("tuned", run)):
        assert report[side] == score([example["answers"][model] for example in examples], references).to_json()
    assert (report["run"], report["split"], report["examples"]) == (run, "test", 10)
    assert report["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert not outcome.stopped


def test_progress_is_told_for_both_sides(
    store: RunStore, listener: Listener, small_models: dict[str, Path], tmp_path: Path
) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    job.execute(settings(run, limit=4), listener.context)
    assert listener.progress("answering base")[-1] == 4
    assert listener.progress(f"answering {run}")[-1] == 4
    assert listener.progress(f"references {run}")[-1] == 4
    assert listener.progress("models") == [0, 1]
    phases = [event.phase for event in listener.events if isinstance(event, PhaseChange)]
    assert phases == [Phase.RUNNING]


def test_a_whole_model_against_its_base(
    store: RunStore, listener: Listener, small_models: dict[str, Path], tmp_path: Path
) -> None:
    folder = small_models["llama"]
    run = finished_run(store, folder, data_file(tmp_path), left="model", adapter={"kind": "none"})
    job.execute(settings(run), listener.context)
    examples = listener.examples()
    for side, place in (("base", folder), (run, store.folder(run) / "model")):
        model = AutoModelForCausalLM.from_pretrained(place)
        assert [example["answers"][side] for example in examples] == answers_of(model, run, store, folder)


def test_many_models_on_two_bases_answer_the_same_rows(
    store: RunStore, listener: Listener, small_models: dict[str, Path], tmp_path: Path
) -> None:
    """A run, a saved step of it, a run of another family, and a whole model; each by the plainest means."""
    llama, opt, data = small_models["llama"], small_models["opt"], data_file(tmp_path)
    run = finished_run(store, llama, data, name="First")
    twin = finished_run(store, llama, data)
    with steps.writing(store.folder(run), 3) as place:
        shutil.copytree(store.folder(twin) / "adapter", place, dirs_exist_ok=True)
        weights = load_file(place / "adapter_model.safetensors")
        save_file({name: tensor * 2 for name, tensor in weights.items()}, place / "adapter_model.safetensors")
    other = finished_run(store, opt, data, name="Another family")
    whole = finished_run(store, llama, data, left="model", adapter={"kind": "none"})
    asked = settings(run, limit=4, others=(f"{run}@3", other, whole))
    report, examples = job.execute(asked, listener.context).report, listener.examples()

    assert [model["id"] for model in report["models"]] == ["base", run, f"{run}@3", other, whole]
    assert [model["base"] for model in report["models"]][3] == "opt"
    base = AutoModelForCausalLM.from_pretrained(llama)
    adapters = {run: store.folder(run) / "adapter", f"{run}@3": steps.step_of(store.folder(run), 3).folder}
    models = {
        "base": (base, llama),
        **{
            name: (PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(llama), str(folder)), llama)
            for name, folder in adapters.items()
        },
        other: (
            PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(opt), str(store.folder(other) / "adapter")),
            opt,
        ),
        whole: (AutoModelForCausalLM.from_pretrained(store.folder(whole) / "model"), llama),
    }
    for name, (model, folder) in models.items():
        answered = answers_of(model, run, store, folder)[:4]
        assert [example["answers"][name] for example in examples] == answered, name
    assert len({json.dumps([example["answers"][name] for example in examples]) for name in models}) == 5
    assert "perplexity" in report["models"][2]["p"]
    assert "perplexity" not in report["models"][3]["p"], "another tokenizer"
    assert listener.progress("models") == [0, 1, 2, 3, 4]
    assert report["tuned"] == {name: report["models"][1]["scores"][name] for name in report["tuned"]}


def test_rows_that_one_model_has_no_room_for_are_left_out_for_all(
    store: RunStore,
    listener: Listener,
    small_models: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = data_file(tmp_path)
    rows = json.loads(data.read_text(encoding="utf-8"))
    rows[12]["instruction"] = "park day film " * 60
    data.write_text(json.dumps(rows), encoding="utf-8")
    run, other = (finished_run(store, small_models[family], data) for family in ("llama", "opt"))
    monkeypatch.setattr(answering, "context_length", lambda model: 140 if model.config.model_type == "opt" else 512)
    report = job.execute(settings(run, others=(other,), limit=4), listener.context).report
    assert (report["examples"], [example["row"] for example in listener.examples()]) == (3, [10, 11, 13])
    [warning] = [event for event in listener.events if isinstance(event, Log) and event.level == "warning"]
    assert warning.text.startswith("1 of 4 rows are left out.")


def test_sampled_answers_do_not_depend_on_the_batch_or_the_other_rows(
    store: RunStore, tmp_path: Path, small_models: dict[str, Path]
) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    sampling = {"strategy": "sampling", "temperature": 1.0, "seed": 3}
    found = []
    for batch_size, limit in ((16, None), (2, 5)):
        listener = Listener(tmp_path / f"by-{batch_size}")
        job.execute(settings(run, batch_size=batch_size, limit=limit, generation=sampling), listener.context)
        found.append([(example["answers"]["base"], example["answers"][run]) for example in listener.examples()])
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
    assert listener.progress(f"answering {run}") == []
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
