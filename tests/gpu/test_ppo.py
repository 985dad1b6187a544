"""PPO on a CUDA device: its number formats, its memory, its speed."""

from pathlib import Path

import pytest

from playground.config import codec, presets
from tests.gpu.conftest import Report
from tests.training.ppo_runs import PROMPTS, ppo_config
from tests.training.runs import execute, write_rows

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("precision", ["auto", "float16", "float32"])
def test_the_bundled_model_learns_to_like_films(precision: str, tmp_path: Path, report: Report) -> None:
    document = codec.with_overrides(presets.read("tiny-ppo"), [f"training.precision={precision}"])
    ran = execute(codec.decode(document), tmp_path)
    scores = ran.values("objective/scores")
    assert sum(scores[-4:]) / 4 > sum(scores[:2]) / 2 + 0.3
    report(f"PPO on tiny in {precision}: reward, first to last", f"{scores[0]:.2f} to {scores[-1]:.2f}")
    report(f"PPO on tiny in {precision}: tokens per second", f"{max(ran.values('tokens_per_second')):,.0f}")
    report(f"PPO on tiny in {precision}: peak memory", f"{ran.values('memory_gb')[-1]:.2f} GB")


@pytest.mark.parametrize("kind", ["lora", "none"])
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_it_starts_at_the_reference_in_every_format(
    kind: str, precision: str, small_models: dict[str, Path], tmp_path: Path
) -> None:
    source = write_rows(tmp_path, PROMPTS)
    ran = execute(
        ppo_config(
            small_models["llama"], source, adapter={"kind": kind}, precision=precision, batch_size=2, max_steps=1,
            learning_rate=1e-9,  # the ratios of later minibatches are told after a step
            ppo={"update_epochs": 1},
        ),
        tmp_path / "run",
    )  # fmt: skip
    assert abs(ran.values("objective/kl")[0]) < 1e-3
    assert ran.values("val/ratio")[0] == pytest.approx(1, abs=1e-3)
