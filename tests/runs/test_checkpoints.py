"""Checkpoints on a real disk: written whole or not at all, and told apart when something happened to them since."""

from pathlib import Path

import pytest

from playground.runs import checkpoints
from playground.runs.checkpoints import Checkpoint, cut_short, is_whole, notes_of, sealed, writing


def write(run: Path, step: int, content: bytes = b"weights") -> Checkpoint:
    with writing(run, step, {"rows": "abc"}) as partial:
        folder = partial / f"checkpoint-{step}"
        (folder / "deep").mkdir(parents=True)
        (folder / "model").write_bytes(content)
        (folder / "deep" / "optimizer").write_bytes(content * 2)
    return Checkpoint(run / "checkpoints" / f"checkpoint-{step}", step)


def test_the_newest_two_are_kept_in_the_order_of_their_steps(tmp_path: Path) -> None:
    assert sealed(tmp_path) == []
    written = [write(tmp_path, step) for step in (2, 4, 10)]
    assert sealed(tmp_path) == [written[2], written[1]]
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"checkpoint-4", "checkpoint-10"}
    assert notes_of(written[2]) == {"rows": "abc"}
    assert all(map(is_whole, sealed(tmp_path)))


def test_a_step_written_again_takes_the_place(tmp_path: Path) -> None:
    write(tmp_path, 2, b"first")
    checkpoint = write(tmp_path, 2, b"second")
    assert sealed(tmp_path) == [checkpoint]
    assert (checkpoint.folder / "model").read_bytes() == b"second"


def test_what_breaks_while_it_is_written_leaves_what_was_there(tmp_path: Path) -> None:
    before = write(tmp_path, 2)
    with pytest.raises(FileNotFoundError), writing(tmp_path, 4, {}) as partial:
        (partial / "half of it").write_bytes(b"half")
    assert sealed(tmp_path) == [before]
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["checkpoint-2"]


def test_what_a_killed_process_left_is_not_taken_for_whole_and_goes_with_the_next(tmp_path: Path) -> None:
    write(tmp_path, 2)
    folder = tmp_path / "checkpoints"
    for name in ("partial/checkpoint-4", "checkpoint-4"):
        (folder / name).mkdir(parents=True)
        (folder / name / "model").write_bytes(b"half")
    (folder / "checkpoint-nonsense").write_text("a file")
    assert [found.step for found in sealed(tmp_path)] == [2]
    assert cut_short(tmp_path) == ["checkpoint-4"]
    write(tmp_path, 6)
    assert {path.name for path in folder.iterdir()} == {"checkpoint-2", "checkpoint-6", "checkpoint-nonsense"}


@pytest.mark.parametrize("seal", ["", "{", "[]", '{"files": 3}', '{"files": {"model": {}}}'])
def test_a_seal_that_cannot_be_read_is_none(tmp_path: Path, seal: str) -> None:
    checkpoint = write(tmp_path, 2)
    (checkpoint.folder / checkpoints.SEAL).write_text(seal)
    assert sealed(tmp_path) == []
    assert not is_whole(checkpoint)


def test_contents_that_changed_in_the_same_size_are_found_when_read(tmp_path: Path) -> None:
    checkpoint = write(tmp_path, 2)
    (checkpoint.folder / "deep" / "optimizer").write_bytes(b"WEIGHTSweights")
    assert sealed(tmp_path) == [checkpoint]
    assert not is_whole(checkpoint)


def test_a_folder_that_is_a_file_has_no_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("")
    assert sealed(tmp_path) == []
    assert cut_short(tmp_path) == []
