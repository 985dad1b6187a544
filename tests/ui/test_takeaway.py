"""What the panel Take away gives, to whom, and what it leaves behind."""

import itertools
import os
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from playground.config import codec
from playground.errors import Cancelled, ConfigError, NotAllowed, RunError
from playground.runs.events import Phase, Progress
from playground.ui import takeaway
from playground.ui.services import Services
from playground.ui.takeaway_work import Finished, followed
from tests.evaluation.finished_runs import data_file, finished_run
from tests.ui.people import ANN, ANNS, BEN, FAR, HERE

SECRET = "hf_aSecretThatNobodyMayEverSee"  # noqa: S105  # of nobody


@pytest.fixture
def run(services: Services, small_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run of Ann's on a folder's model."""
    create = services.store.create
    monkeypatch.setattr(services.store, "create", lambda *args, **kwargs: create(*args, **(kwargs | {"owner": ANNS})))
    return finished_run(services.store, small_models["llama"], data_file(tmp_path), name="Ann's run: α")


def asked(run: str, what: str) -> gr.EventData:
    return cast("gr.EventData", SimpleNamespace(_data={"run": run, "what": what}))


def taken(services: Services, place: Path, run: str, what: str, person: Any = ANN, request: Any = FAR) -> Path:
    """The file that a person gets."""
    *_, (told, file) = takeaway.take(services, place, asked(run, what), person, request)
    assert "ready" in told, told
    path = Path(file["value"])
    assert (told["ready"]["name"], told["ready"]["bytes"]) == (path.name, path.stat().st_size)
    return path


def test_a_run_is_offered_to_its_owner_and_the_host_alone(services: Services, run: str) -> None:
    def items(person: Any, request: Any) -> list[str]:
        return [item["what"] for item in takeaway.offer(services, person, run, request)[0]["items"]]

    assert items(ANN, FAR) == items(BEN, HERE) == list(takeaway.ITEMS)
    assert items(BEN, FAR) == items(None, FAR) == []


def test_an_offer_says_what_there_is_and_how_large(services: Services, run: str) -> None:
    told, hub, what = takeaway.offer(services, ANN, run, FAR)
    sizes = {item["what"]: item["bytes"] for item in told["items"]}
    assert sizes["merged"] > 100_000
    assert sizes["adapter"] > sizes["script"] > 100_000
    assert sizes["config"] == 0
    assert (told["base"], told["brings"]) == ("llama", "takeaway.base")
    assert not any(item["why"] for item in told["items"])
    assert hub["visible"]
    # An adapter for a model that nobody has would be of no use on the Hub.
    assert [value for _, value in what["choices"]] == ["merged"]
    assert not what["visible"]


@pytest.mark.parametrize(
    ("left", "phase", "why"),
    [
        ("model", Phase.DONE, {"adapter": "takeaway.why.whole"}),
        ("nothing", Phase.FAILED, {"adapter": "takeaway.why.nothing", "merged": "takeaway.why.nothing"}),
    ],
)
def test_an_offer_says_what_cannot_be_had_and_why(
    left: Any, phase: Phase, why: dict[str, str], services: Services, small_models: dict[str, Path], tmp_path: Path
) -> None:
    run = finished_run(services.store, small_models["llama"], data_file(tmp_path), left=left, phase=phase)
    told, hub, _ = takeaway.offer(services, ANN, run, HERE)
    assert {item["what"]: item["why"] for item in told["items"] if item["why"]} == why
    assert hub["visible"] == (left == "model")


def test_nothing_is_offered_of_a_run_that_goes_on_or_is_none(
    services: Services, small_models: dict[str, Path], tmp_path: Path
) -> None:
    run = finished_run(services.store, small_models["llama"], data_file(tmp_path), phase=Phase.RUNNING)
    for looked_at in (run, "", "sft-nobody"):
        told, hub, _ = takeaway.offer(services, ANN, looked_at, HERE)
        assert told == {"run": looked_at, "items": [], "ended": False}
        assert not hub["visible"]


def test_files_are_made_for_the_owner_under_names_that_nobody_guesses(
    services: Services, run: str, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    files = {what: taken(services, place, run, what) for what in ("config", "metrics", "adapter", "script")}
    assert files["config"].name == f"Ann-s-run-α-{run}-config.json"
    assert files["metrics"].suffix == ".csv"
    names = {path.parent.name for path in files.values()}
    assert len(names) == 4
    assert min(map(len, names)) > 20
    with zipfile.ZipFile(files["script"]) as archive:
        assert f"{files['script'].stem}/script.py" in archive.namelist()
        assert f"{files['script'].stem}/base/model.safetensors" in archive.namelist()


def test_a_participant_learns_no_place_of_this_machine(services: Services, run: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    anns = codec.loads(taken(services, place, run, "config").read_text())
    assert (anns.model, anns.data.source) == ("llama", "rows.json")
    hosts = codec.loads(taken(services, place, run, "config", BEN, HERE).read_text())
    assert str(hosts.model).endswith("/llama")


def test_nobody_else_gets_anything(services: Services, run: str, tmp_path: Path) -> None:
    for what in takeaway.ITEMS:
        with pytest.raises(NotAllowed, match="belongs to someone else"):
            next(takeaway.take(services, tmp_path / "place", asked(run, what), BEN, FAR))
    with pytest.raises(NotAllowed, match="belongs to someone else"):
        next(takeaway.push(services, FAR, BEN, run, "ben/stolen", "merged", True, SECRET))
    with pytest.raises(RunError, match="no run"):
        next(takeaway.take(services, tmp_path / "place", asked("../x", "config"), ANN, HERE))
    with pytest.raises(ConfigError, match="What can be taken away"):
        next(takeaway.take(services, tmp_path / "place", asked(run, "../../x"), ANN, FAR))
    assert not (tmp_path / "place").exists()


def test_what_goes_wrong_is_said_and_leaves_nothing(services: Services, run: str, tmp_path: Path) -> None:
    (services.store.folder(run) / "adapter" / "adapter_model.safetensors").write_bytes(b"cut")
    *_, (told, _) = takeaway.take(services, tmp_path / "place", asked(run, "adapter"), ANN, FAR)
    assert "cut short or damaged" in told["failed"]["error"]
    assert list((tmp_path / "place").iterdir()) == []


def test_files_go_after_an_hour(services: Services, run: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    first, second = (taken(services, place, run, "config") for _ in range(2))
    os.utime(first.parent, (time.time() - 4000, time.time() - 4000))
    taken(services, place, run, "metrics")
    assert (first.exists(), second.exists()) == (False, True)


def test_a_token_is_gone_from_the_page_with_the_first_word(
    services: Services, run: str, own_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = list(takeaway.push(services, FAR, ANN, run, "ann/tuned", "merged", True, SECRET))
    assert said[0][1] == ""
    assert "HF_HUB_OFFLINE" in said[-1][0]["error"]
    assert SECRET not in f"{said}{caplog.text}"
    assert [path for path in own_home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()] == []
    told = list(takeaway.push(services, FAR, ANN, run, "not a name", "merged", True, SECRET))[-1][0]
    assert "owner/name" in told["error"]


def test_work_is_told_to_stop_when_nobody_follows_it() -> None:
    stopped: list[bool] = []

    def work(report: Any, stop: Any) -> None:
        report(Progress("read", 1, 2))
        stopped.append(stop.wait(30))
        raise Cancelled("Stopped.")

    following = followed(work)
    # Word comes again and again, though the work says no more: that is when a page that went is noticed.
    assert [said.stage for said in itertools.islice(following, 3) if isinstance(said, Progress)] == ["read"] * 3
    following.close()
    until = time.monotonic() + 30
    while not stopped and time.monotonic() < until:
        time.sleep(0.01)
    assert stopped == [True]
    *_, last = followed(lambda *_: 7)
    assert isinstance(last, Finished)
    assert last.value == 7
