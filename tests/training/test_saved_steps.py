"""The way of a run: the adapter at each saved step, whichever trainer wrote it, and after a resumption."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from playground.runs.steps import saved_steps
from tests.training.ppo_runs import PROMPTS, ppo_config
from tests.training.runs import make_config, write_rows
from tests.training.test_resume import Crash, History, crash_at

FILES = {"adapter_config.json", "adapter_model.safetensors"}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapter_model.safetensors")


def equal(one: Path, other: Path) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_way_is_kept_and_taken_anew_from_where_the_run_goes_on(
    small_models: dict[str, Path], tmp_path: Path
) -> None:
    config = make_config(small_models["llama"], write_rows(tmp_path), save_steps=2, max_steps=8)
    whole, cut = History(tmp_path / "whole"), History(tmp_path / "cut")
    whole.attempt(config, 1)
    found = saved_steps(whole.folder)
    assert [saved.step for saved in found] == [2, 4, 6, 8]
    assert all({path.name for path in saved.folder.iterdir()} == FILES for saved in found)
    assert equal(found[-1].folder, whole.folder / "adapter")
    assert not equal(found[0].folder, found[1].folder)

    with pytest.raises(Crash):
        cut.attempt(config, 1, crash_at(5))
    for ahead in (6, 700):  # as if the lost attempt had come further than the checkpoint that is left
        (cut.folder / "steps" / f"step-{ahead}").mkdir()
    cut.attempt(config, 2)
    again = saved_steps(cut.folder)
    assert [saved.step for saved in again] == [2, 4, 6, 8]
    assert all(equal(one.folder, other.folder) for one, other in zip(again, found, strict=True))


def test_a_run_of_all_weights_keeps_none(small_models: dict[str, Path], tmp_path: Path) -> None:
    config = make_config(
        small_models["llama"], write_rows(tmp_path), adapter={"kind": "none"}, save_steps=2, max_steps=2
    )
    ran = History(tmp_path / "run")
    ran.attempt(config, 1)
    assert saved_steps(ran.folder) == []


def test_ppo_keeps_its_way_too(small_models: dict[str, Path], tmp_path: Path) -> None:
    source = write_rows(tmp_path, PROMPTS)
    ppo = {"prompt_min_tokens": 2, "prompt_max_tokens": 5, "max_new_tokens": 4}
    config = ppo_config(small_models["llama"], source, max_steps=2, save_steps=1, eval_steps=0, ppo=ppo)
    ran = History(tmp_path / "run")
    ran.attempt(config, 1)
    found = saved_steps(ran.folder)
    assert [saved.step for saved in found] == [1, 2]
    assert all({path.name for path in saved.folder.iterdir()} == FILES for saved in found)
    assert equal(found[1].folder, ran.folder / "adapter")
