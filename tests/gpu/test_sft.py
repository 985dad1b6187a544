"""SFT on a CUDA device: its number formats, its memory, its speed."""

from pathlib import Path

import pytest
import torch

from benchmarks import sft_against_trl
from playground.jobs import failures
from playground.runs.events import Sample
from tests.conftest import SHARED_DATA
from tests.gpu.conftest import Report
from tests.training.runs import execute, make_config, write_rows

pytestmark = pytest.mark.gpu

MODEL = "smollm2-135m-instruct"
MIB = 2**20


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A small data set."""
    return write_rows(tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("precision", ["auto", "float16", "float32"])
def test_the_real_model_learns(precision: str, real_home: Path, rows: Path, tmp_path: Path, report: Report) -> None:
    config = make_config(
        MODEL, rows, precision=precision, learning_rate=1e-3, max_steps=20, eval_steps=10, sample_steps=10
    )
    ran = execute(config, tmp_path / "run")
    losses = ran.values("loss")
    assert len(losses) == 20
    assert losses[-1] < losses[0] / 2
    assert ran.values("eval_loss")[-1] < ran.values("eval_loss")[0]
    assert [event.step for event in ran.events if isinstance(event, Sample)] == [0, 0, 0, 10, 10, 10, 20, 20, 20]
    if precision == "auto" and torch.cuda.is_bf16_supported(including_emulation=False):
        assert "bfloat16" in ran.logs()
    report(f"SFT in {precision}: loss, first to last", f"{losses[0]:.3f} to {losses[-1]:.3f}")
    report(f"SFT in {precision}: tokens per second", f"{max(ran.values('tokens_per_second')):,.0f}")
    report(f"SFT in {precision}: peak memory", f"{ran.values('memory_gb')[-1]:.2f} GB")


@pytest.mark.parametrize("kind", ["lora", "none"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
def test_bfloat16_agrees_with_float32(
    family: str, kind: str, small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    def losses(precision: str) -> list[float]:
        config = make_config(small_models[family], rows, adapter={"kind": kind}, precision=precision, max_steps=5)
        return execute(config, tmp_path / precision).values("loss")

    assert losses("bfloat16")[0] == pytest.approx(losses("float32")[0], rel=0.02)


@pytest.mark.real
def test_memory_is_given_back_after_a_run(real_home: Path, rows: Path, tmp_path: Path, report: Report) -> None:
    def run(name: str) -> int:
        execute(make_config(MODEL, rows, sample_steps=5, eval_steps=5), tmp_path / name)
        return torch.cuda.memory_allocated()

    # What cuBLAS and others keep for good once they have been used is no leak.
    first = run("first")
    peak = torch.cuda.max_memory_allocated()
    second = run("second")
    report("memory kept after a run", f"{second / MIB:.0f} MiB of a peak of {peak / MIB:.0f} MiB")
    assert second <= first
    assert second < 0.1 * peak


@pytest.mark.real
def test_running_out_of_memory_is_a_sentence_and_frees_the_device(
    real_home: Path, rows: Path, tmp_path: Path, report: Report
) -> None:
    config = make_config(MODEL, rows, batch_size=16, adapter={"kind": "none"}, precision="float32")
    execute(make_config(MODEL, rows, max_steps=1), tmp_path / "warm")
    before = torch.cuda.memory_allocated()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(800 * MIB / total)
    try:
        with pytest.raises(torch.OutOfMemoryError) as caught:
            execute(config, tmp_path / "run")
        sentence = failures.sentence(caught.value, "run", {"training": {"batch_size": 16, "max_length": 512}})
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "training.batch_size (now 16)" in sentence
    assert torch.cuda.memory_allocated() <= before
    report("out of memory", sentence)
    execute(make_config(MODEL, rows, max_steps=1), tmp_path / "after")


@pytest.mark.real
def test_the_adapter_generates_what_the_run_has_learnt(real_home: Path, rows: Path, tmp_path: Path) -> None:
    config = make_config(MODEL, rows, learning_rate=1e-3, max_steps=40, sample_steps=40, sample_tokens=16)
    ran = execute(config, tmp_path / "run")
    last = [sample for sample in ran.samples() if sample.step == 40]
    assert sum(sample.answer.strip() == sample.reference for sample in last) >= 2


@pytest.mark.real
def test_as_fast_as_the_bare_script(real_home: Path, report: Report) -> None:
    source = SHARED_DATA / "instruction-data.json"
    config = sft_against_trl.run_config(MODEL, str(source) if source.is_file() else "instructions", steps=60, batch=8)
    result = sft_against_trl.compare(config, rounds=3)
    report("SFT throughput against the bare TRL script", f"{result['ratio']} (budget {result['budget']})")
    report("  of which TRL / playground, tokens per second", str(result["tokens_per_second"]))
    assert result["last_loss"]["playground"] == pytest.approx(result["last_loss"]["trl"], rel=0.05)
    assert result["ratio"] >= result["budget"]
