"""The ready run of the reward model in the box: what it promises."""

from pathlib import Path

import pytest

from playground.config import presets
from tests.training.runs import execute


@pytest.mark.soak
def test_manners_are_told_apart_on_pairs_that_were_held_out(tmp_path: Path) -> None:
    ran = execute(presets.ready("tiny-reward"), tmp_path / "run")
    assert ran.values("eval_accuracy")[0] < 0.7
    assert ran.values("eval_accuracy")[-1] >= 0.95
