"""Trackers get what the store gets; a run without one is as it was."""

import importlib.util
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.proto.event_pb2 import Event

from playground.config import codec
from playground.config.trackers import MODULES, check_installed
from playground.errors import ConfigError
from playground.jobs.submission import submit
from playground.runs.store import RunStore
from playground.training.tracking import tracked
from tests.training.runs import execute, make_config, write_rows


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """(step, value) of every scalar in a folder of TensorBoard event files, by tag."""
    found: dict[str, list[tuple[int, float]]] = {}
    for file in sorted(folder.glob("events.out.tfevents.*")):
        content = file.read_bytes()
        place = 0
        while place < len(content):
            # A record: length (8 bytes, little-endian), its checksum (4), the event, its checksum (4).
            (length,) = struct.unpack_from("<Q", content, place)
            event = Event.FromString(content[place + 12 : place + 12 + length])
            for value in event.summary.value:
                if value.WhichOneof("value") == "simple_value":
                    found.setdefault(value.tag, []).append((event.step, value.simple_value))
            place += 16 + length
    return found


def test_tensorboard_has_the_curve_of_the_run(small_models: dict[str, Path], tmp_path: Path) -> None:
    rows = write_rows(tmp_path)
    before = dict(os.environ)
    config = make_config(small_models["llama"], rows, max_steps=4, eval_steps=2, report_to="tensorboard")
    ran = execute(config, tmp_path / "run")
    found = scalars(tmp_path / "run" / "tensorboard")
    assert [step for step, _ in found["train/loss"]] == [1, 2, 3, 4]
    assert [value for _, value in found["train/loss"]] == pytest.approx(ran.values("loss"), abs=1e-6)
    assert [step for step, _ in found["eval/loss"]] == [0, 2, 4]
    assert dict(os.environ) == before


def test_a_tracker_changes_nothing_in_the_run(small_models: dict[str, Path], tmp_path: Path) -> None:
    rows = write_rows(tmp_path)
    ran = [
        execute(make_config(small_models["gpt2"], rows, max_steps=3, report_to=tracker), tmp_path / tracker)
        for tracker in ("none", "tensorboard")
    ]
    assert ran[0].values("loss") == ran[1].values("loss")
    assert not (tmp_path / "none" / "tensorboard").exists()


@pytest.mark.parametrize("tracker", MODULES)
def test_a_tracker_that_is_not_installed_is_named_before_there_is_a_run(
    tracker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    store = RunStore()
    with pytest.raises(ConfigError, match=rf"training.report_to {tracker} needs .* pip install {tracker}"):
        submit(store, "run", {"training": {"report_to": tracker}})
    assert store.list() == []
    store.close()


def test_either_package_of_tensorboard_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "tensorboardX" or None)
    check_installed("tensorboard")
    check_installed("none")


def test_an_unknown_tracker_is_a_bad_setting() -> None:
    with pytest.raises(ConfigError, match=r"training\.report_to must be one of none, tensorboard, trackio, wandb"):
        codec.decode({"training": {"report_to": "spreadsheet"}})


@pytest.fixture
def wandb_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A person without a login, on whose machine wandb is installed."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def seen_inside(folder: Path) -> dict[str, Any]:
    with tracked("wandb", folder):
        return {name: os.environ.get(name) for name in ("WANDB_MODE", "WANDB_DIR")}


def test_wandb_is_offline_without_a_login(wandb_there: Path) -> None:
    assert seen_inside(wandb_there / "run") == {"WANDB_MODE": "offline", "WANDB_DIR": str(wandb_there / "run")}
    assert "WANDB_MODE" not in os.environ


def test_wandb_is_online_with_a_login(wandb_there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (wandb_there / ".netrc").write_text("machine api.wandb.ai\n  login user\n  password secret\n")
    (wandb_there / ".netrc").chmod(0o600)
    assert seen_inside(wandb_there)["WANDB_MODE"] is None
    (wandb_there / ".netrc").unlink()
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    assert seen_inside(wandb_there)["WANDB_MODE"] is None


def test_what_the_person_has_set_stays(wandb_there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_DIR", "elsewhere")
    assert seen_inside(wandb_there)["WANDB_DIR"] == "elsewhere"
    assert os.environ["WANDB_DIR"] == "elsewhere"
