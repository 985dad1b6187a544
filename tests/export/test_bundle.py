"""Parts that are taken away: right, whole, loadable elsewhere, and never half of one."""

import csv
import dataclasses
import errno
import json
import os
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.cli import main
from playground.config import codec
from playground.errors import Cancelled, ConfigError, ModelError, RunError
from playground.export import bundle, weights
from playground.export.bundle import PARTS, export, export_zip, named_parts, possible_parts
from playground.export.card import card
from playground.export.metrics import write_metrics
from playground.export.steps import plain
from playground.export.subject import SCRIPTED, base_of, bytes_of, settings_document, subject_of
from playground.models import merging
from playground.runs.events import Metric, Phase, PhaseChange
from playground.runs.store import RunStore
from tests.evaluation.finished_runs import data_file, finished_run
from tests.export.runs import order_of


@pytest.fixture
def store() -> Iterator[RunStore]:
    made = RunStore()
    yield made
    made.close()


@pytest.fixture
def run(store: RunStore, small_models: dict[str, Path], tmp_path: Path) -> str:
    """A run that left an adapter of random weights on a folder's model."""
    return finished_run(store, small_models["llama"], data_file(tmp_path), name="A run")


def logits(model: Any, folder: Path) -> torch.Tensor:
    ids = AutoTokenizer.from_pretrained(folder)("The capital of France is", return_tensors="pt")
    with torch.no_grad():
        found: torch.Tensor = model.eval()(**ids).logits
    return found


def test_all_of_a_run_in_one_folder(run: str, store: RunStore, tmp_path: Path) -> None:
    files = export(order_of(run, store), tmp_path / "new" / "out", PARTS)
    assert {name.split("/")[0] for name in files} == {
        "adapter", "base", "config.json", "merged", "metrics.csv", "notebook.ipynb", "script.py", "train.jsonl",
        "validation.jsonl",
    }  # fmt: skip
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]
    config = json.loads((tmp_path / "new" / "out" / "config.json").read_text())
    assert codec.decode(config) == subject_of(run, store).config
    others = [path for path in (tmp_path / "new" / "out").rglob("*") if path.is_file() and path.name != "config.json"]
    assert [path for path in others if str(tmp_path).encode() in path.read_bytes()] == []
    settings = json.loads((tmp_path / "new" / "out" / "merged" / "config.json").read_text())
    assert settings["architectures"] == ["LlamaForCausalLM"]


def test_merged_and_adapter_say_the_same_in_plain_libraries(run: str, store: RunStore, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(order_of(run, store), out, ["adapter", "merged"])
    merged = AutoModelForCausalLM.from_pretrained(out / "merged")
    before = Path.cwd()
    os.chdir(out)  # as its card says, beside its base
    try:
        adapted = AutoPeftModelForCausalLM.from_pretrained("adapter")
    finally:
        os.chdir(before)
    base = AutoModelForCausalLM.from_pretrained(out / "base")
    assert torch.allclose(logits(merged, out / "merged"), logits(adapted, out / "base"), atol=1e-5)
    assert (logits(merged, out / "merged") - logits(base, out / "base")).abs().max() > 0.01
    assert not (out / "merged" / "adapter_config.json").exists()


def test_a_model_of_trained_weights_is_taken_as_it_is(
    store: RunStore, small_models: dict[str, Path], tmp_path: Path
) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path), left="model", adapter={"kind": "none"})
    assert list(filter(possible_parts(subject_of(run, store)).get, PARTS)) == ["adapter"]
    export(order_of(run, store), tmp_path / "out", ["merged"])
    here, there = store.folder(run) / "model", tmp_path / "out" / "merged"
    assert (here / "model.safetensors").read_bytes() == (there / "model.safetensors").read_bytes()
    with pytest.raises(RunError, match="trained every weight"):
        export(order_of(run, store), tmp_path / "other", ["adapter"])
    assert not (tmp_path / "other").exists()


def test_a_zip_has_the_same_in_it(run: str, store: RunStore, tmp_path: Path) -> None:
    export(order_of(run, store), tmp_path / "out", ["script", "adapter"])
    export_zip(order_of(run, store), tmp_path / "A run.zip", ["script", "adapter"])
    with zipfile.ZipFile(tmp_path / "A run.zip") as archive:
        assert archive.testzip() is None
        packed = {name.removeprefix("A run/"): archive.read(name) for name in archive.namelist()}
    assert packed == {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_nothing_is_overwritten(run: str, store: RunStore, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export(order_of(run, store), tmp_path / "out", ["config"])
    with pytest.raises(RunError, match="is there already; nothing is overwritten"):
        export(order_of(run, store), tmp_path / "out", ["metrics"])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    ("error", "said"),
    [(OSError(errno.ENOSPC, "No space left on device"), "the disk is full"), (ModelError("It is gone."), "It is gone")],
)
def test_half_of_it_is_none_of_it(
    error: Exception, said: str, run: str, store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(weights, "write_model", fail)
    before = sorted(tmp_path.iterdir())
    with pytest.raises((RunError, ModelError), match=said):
        export(order_of(run, store), tmp_path / "out", ["config", "merged"])
    with pytest.raises((RunError, ModelError), match=said):
        export_zip(order_of(run, store), tmp_path / "out.zip", ["config", "merged"])
    assert sorted(tmp_path.iterdir()) == before


def test_a_run_that_left_nothing_gives_what_it_has(
    store: RunStore, small_models: dict[str, Path], tmp_path: Path
) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path), left="nothing", phase=Phase.FAILED)
    lacking = possible_parts(subject_of(run, store))
    assert [part for part in PARTS if not lacking[part]] == ["config", "metrics", "script", "notebook"]
    assert "left no adapter; it ended as failed" in lacking["adapter"]


def test_a_run_that_goes_on_is_not_taken_away(store: RunStore, small_models: dict[str, Path], tmp_path: Path) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path), phase=Phase.RUNNING)
    with pytest.raises(RunError, match="once it has ended"):
        subject_of(run, store)


def test_data_that_is_gone_is_said(run: str, store: RunStore, tmp_path: Path) -> None:
    (tmp_path / "rows.json").unlink()
    with pytest.raises(Exception, match="There is no file"):
        export(order_of(run, store), tmp_path / "out", ["script"])
    assert not (tmp_path / "out").exists()


def test_metrics_have_a_row_for_each_step_and_a_column_for_each_metric(store: RunStore, tmp_path: Path) -> None:
    run = store.create("run", {}, method="sft", model="m", name="A run", owner="")
    store.append(run, [PhaseChange(Phase.PREPARING), Metric(0, {"eval_loss": 3.0})])
    store.append(run, [Metric(step, {"loss": 1 / step}) for step in range(1, 6001)])
    store.append(run, [Metric(6000, {"eval_loss": None, "grad_norm": 2})])
    assert write_metrics(store, run, tmp_path / "metrics.csv") == 6001
    with (tmp_path / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"step": "0", "eval_loss": "3.0", "loss": "", "grad_norm": ""}
    assert rows[-1] == {"step": "6000", "eval_loss": "", "loss": str(1 / 6000), "grad_norm": "2"}
    assert [int(row["step"]) for row in rows] == list(range(6001))


def test_places_on_this_machine_are_for_the_host(run: str, store: RunStore, tmp_path: Path) -> None:
    subject = subject_of(run, store)
    assert str(tmp_path) in json.dumps(settings_document(subject, private=True))
    public = settings_document(subject, private=False)
    assert str(tmp_path.parent) not in json.dumps(public)
    assert (public["model"], public["data"]["source"]) == ("llama", "rows.json")


@pytest.mark.parametrize(
    ("ref", "hub_id"),
    [
        ("smollm2-135m-instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        ("somebody/some-model", "somebody/some-model"),
        ("tiny", ""),
        ("/models/mine", ""),
        ("./mine", ""),
    ],
)
def test_a_base_is_public_where_the_hub_has_it(ref: str, hub_id: str) -> None:
    assert base_of(ref).hub_id == hub_id


def test_sizes_told_are_about_those_written(run: str, store: RunStore, tmp_path: Path) -> None:
    export(order_of(run, store), tmp_path / "out", ["merged", "adapter"])
    written = {
        part: sum(path.stat().st_size for path in (tmp_path / "out" / part).glob("*.safetensors"))
        for part in ("merged", "adapter", "base")
    }
    told = bytes_of(subject_of(run, store))
    assert told["merged"] == pytest.approx(written["merged"], rel=0.2)
    assert told["adapter"] == pytest.approx(written["adapter"] + written["base"], rel=0.2)


def test_the_methods_with_a_script_are_those_said() -> None:
    assert set(bundle.TUTORIALS) == set(SCRIPTED)


def test_a_card_survives_any_name(store: RunStore, small_models: dict[str, Path], tmp_path: Path) -> None:
    name = '"""\nimport os\\x # | </script>'
    run = finished_run(store, small_models["llama"], data_file(tmp_path), name=name)
    assert '"""' not in plain(name)
    assert "\n" not in plain(name)
    text = card(subject_of(run, store), store, name="out", base="base", merged=True, prompt='Say "hi"\n')
    assert "# '''import os/x" in text.replace("''' import", "'''import")
    compile(text.split("```python\n")[1].split("```")[0], "card", "exec")
    export(order_of(run, store), tmp_path / "out", ["script"])
    compile((tmp_path / "out" / "script.py").read_text(), "script", "exec")


@pytest.mark.parametrize("text", ["adapter,shoes", "", ","])
def test_unknown_parts_are_named(text: str) -> None:
    with pytest.raises(ConfigError, match="What can be taken away is adapter, merged"):
        named_parts(text)
    assert named_parts("merged, config,merged") == ("merged", "config")


def test_the_command_line_takes_a_run_away(
    run: str, store: RunStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", run, "--to", str(out), "--what", "config,metrics", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"run": run, "folder": str(out), "files": ["config.json", "metrics.csv"], "left_out": {}}
    assert main(["export", run, "--to", str(out), "--what", "config"]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err
    shutil.rmtree(store.folder(run) / "adapter")
    assert main(["export", run, "--to", str(tmp_path / "all"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["left_out"]) == ["adapter", "merged"]
    assert "script.py" in told["files"]
    assert main(["export", "sft-nobody", "--to", str(tmp_path / "none")]) == 2
    assert bundle.SCRIPT in {path.name for path in (tmp_path / "all").iterdir()}


def test_a_rounded_copy_comes_along_with_the_script(
    store: RunStore, small_models: dict[str, Path], tmp_path: Path, own_home: Path
) -> None:
    """Its losses are not those of the weights that the Hub has under the same name."""
    (own_home / "models").mkdir(parents=True)
    (own_home / "models" / "smollm2-135m-instruct").symlink_to(small_models["llama"], target_is_directory=True)
    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    document = json.dumps(store.get(run).document | {"model": "smollm2-135m-instruct"})
    with store.database.writing() as connection:
        connection.execute("UPDATE runs SET document = ? WHERE id = ?", (document, run))
    (store.folder(run) / "config.json").write_text(document)
    subject = subject_of(run, store)
    assert (subject.base.public, subject.base.exact) == (True, False)
    export(order_of(run, store), tmp_path / "out", ["script", "adapter"])
    assert (tmp_path / "out" / "base" / "model.safetensors").is_file()
    assert 'BASE = str(HERE / "base")' in (tmp_path / "out" / "script.py").read_text()
    config = json.loads((tmp_path / "out" / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert "rounded to about 4 bits" in (tmp_path / "out" / "adapter" / "README.md").read_text()
    export(order_of(run, store), tmp_path / "alone", ["adapter"])
    assert [path.name for path in (tmp_path / "alone").iterdir()] == ["adapter"]


def test_models_are_merged_one_at_a_time(run: str, store: RunStore, tmp_path: Path) -> None:
    told: list[str] = []
    order = dataclasses.replace(order_of(run, store), report=lambda event: told.append(event.stage))
    with merging._turn:
        waiting = threading.Thread(target=export, args=(order, tmp_path / "out", ["merged"]))
        waiting.start()
        while "turn" not in told:
            time.sleep(0.01)
        assert "read" not in told
        # What needs no merging does not wait.
        export(order_of(run, store), tmp_path / "quick", ["config", "adapter"])
    waiting.join(60)
    assert (tmp_path / "out" / "merged" / "model.safetensors").is_file()


def test_who_waits_for_a_turn_can_leave(run: str, store: RunStore, tmp_path: Path) -> None:
    order = order_of(run, store)
    order.stop.set()
    with merging._turn, pytest.raises(Cancelled):
        export(order, tmp_path / "out", ["merged"])
    assert not (tmp_path / "out").exists()
