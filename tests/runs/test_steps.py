"""Adapters of saved steps on a real disk: kept evenly over the whole way, and never more than there is room for."""

import itertools
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.runs import disk, steps
from playground.runs.steps import SavedStep, cut, most_crowded, saved_steps, writing


def write(run: Path, step: int, content: bytes = b"weights") -> SavedStep:
    with writing(run, step) as partial:
        (partial / "adapter_config.json").write_text("{}")
        (partial / "adapter_model.safetensors").write_bytes(content)
    return SavedStep(step, run / "steps" / f"step-{step}")


def numbers(run: Path) -> list[int]:
    return [found.step for found in saved_steps(run)]


def test_they_stand_in_the_order_of_their_steps(tmp_path: Path) -> None:
    assert saved_steps(tmp_path) == []
    written = [write(tmp_path, step) for step in (2, 10, 4)]
    assert saved_steps(tmp_path) == [written[0], written[2], written[1]]
    assert {path.name for path in (tmp_path / "steps").iterdir()} == {"step-2", "step-4", "step-10"}


def test_a_step_saved_again_takes_the_place(tmp_path: Path) -> None:
    write(tmp_path, 2, b"first")
    saved = write(tmp_path, 2, b"second")
    assert (saved.folder / "adapter_model.safetensors").read_bytes() == b"second"
    assert numbers(tmp_path) == [2]


def test_what_breaks_or_dies_while_it_is_written_is_no_step(tmp_path: Path) -> None:
    write(tmp_path, 2)
    with pytest.raises(FileNotFoundError), writing(tmp_path, 4) as partial:
        (partial / "not there" / "half").write_bytes(b"half")
    (tmp_path / "steps" / "partial").mkdir()
    (tmp_path / "steps" / "step-nonsense").mkdir()
    assert numbers(tmp_path) == [2]
    write(tmp_path, 6)
    assert not (tmp_path / "steps" / "partial").exists()


def test_a_long_way_is_kept_evenly_with_its_first_and_its_last_step(tmp_path: Path) -> None:
    for step in range(10, 501, 10):
        write(tmp_path, step, b"")
        kept = numbers(tmp_path)
        assert len(kept) == min(step // 10, steps.MOST)
        assert (kept[0], kept[-1]) == (10, step)
        gaps = [later - earlier for earlier, later in itertools.pairwise(kept)]
        assert not gaps or max(gaps) <= 2 * min(gaps[:-1] or gaps)


def test_of_large_adapters_fewer_are_kept_and_the_last_always(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST_BYTES", 3500)
    for step in range(1, 9):
        write(tmp_path, step, bytes(1000))
    assert len(numbers(tmp_path)) == 3
    monkeypatch.setattr(steps, "MOST_BYTES", 10)
    write(tmp_path, 9, bytes(1000))
    assert numbers(tmp_path) == [1, 9]


@given(st.lists(st.integers(1, 1000), min_size=3, max_size=40, unique=True).map(sorted))
def test_neither_the_first_nor_the_last_goes(found: list[int]) -> None:
    at = most_crowded(found)
    assert 0 < at < len(found) - 1
    gap = found[at + 1] - found[at - 1]
    assert all(later - earlier >= gap for earlier, later in zip(found, found[2:], strict=False))


def test_what_came_after_a_step_is_dropped(tmp_path: Path) -> None:
    for step in (2, 4, 6):
        write(tmp_path, step)
    cut(tmp_path, 4)
    assert numbers(tmp_path) == [2, 4]
    cut(tmp_path, 0)
    assert numbers(tmp_path) == []


def test_their_size_counts_as_the_runs_and_not_as_that_of_checkpoints(tmp_path: Path) -> None:
    use = disk.DiskUse()
    write(tmp_path, 2, bytes(1000))
    assert use.of(tmp_path) == disk.Use(1002, 0)
    write(tmp_path, 4, bytes(1000))
    assert use.of(tmp_path).whole == 2004
    shutil.rmtree(tmp_path / "steps")
    assert use.of(tmp_path).whole == 0
