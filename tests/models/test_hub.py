"""The real Hub client against a server on this machine: good, slow, cut off, failing, gated, unknown."""

import shutil
import socket
import threading
import time
from pathlib import Path

import pytest

from playground.errors import Cancelled, ModelError, ModelUnavailable
from playground.models import catalogue, fetch, hub
from playground.models.fetch import resolve
from playground.models.hub_download import Unsuitable, needed
from playground.models.loading import load
from playground.runs.events import Progress
from tests.hub_server import Repository, StandIn


class Telling:
    """Collects what is reported."""

    def __init__(self) -> None:
        self.heard: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        self.heard.append(progress)

    def downloads(self) -> list[float]:
        """Bytes so far, as they were told."""
        return [one.done for one in self.heard if one.stage == "download"]


def enlarged(folder: Path, target: Path, size: int) -> Path:
    """A copy of a model whose weight file has this many bytes more."""
    shutil.copytree(folder, target)
    with (target / "model.safetensors").open("ab") as weights:
        weights.write(bytes(size))
    return target


def fetch_it(name: str, *, token: str | None = None) -> tuple[Path, Telling]:
    telling = Telling()
    return resolve(name, report=telling, stop=threading.Event(), token=token), telling


def test_a_model_is_fetched_loaded_and_found_again_without_a_network(
    stand_in: StandIn, small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.repositories["somebody/small"] = Repository(small_models["llama"])
    (small_models["llama"] / "README.md").write_text("not needed")
    telling = Telling()
    loaded = load("somebody/small", report=telling, stop=threading.Event())
    assert loaded.info.architecture == "LlamaForCausalLM"
    assert loaded.info.title == "somebody/small"
    assert "README.md" not in stand_in.fetched()
    assert stand_in.fetched()[-1] == "model.safetensors"
    size = sum((small_models["llama"] / name).stat().st_size for name in stand_in.fetched())
    last = [one for one in telling.heard if one.stage == "download"][-1]
    assert (last.done, last.total, last.unit) == (size, size, "bytes")
    assert telling.downloads() == sorted(telling.downloads())

    stand_in.asked.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert catalogue.available_locally() == ["tiny", "somebody/small"]
    assert fetch_it("somebody/small")[0] == loaded.info.folder
    assert stand_in.asked == []


def test_a_catalogue_name_is_fetched_under_its_hub_id(stand_in: StandIn, small_models: dict[str, Path]) -> None:
    stand_in.repositories["openai-community/gpt2"] = Repository(small_models["gpt2"])
    folder, _ = fetch_it("gpt2")
    assert (folder / "model.safetensors").is_file()
    assert catalogue.available_locally() == ["tiny", "gpt2"]


def test_a_cut_connection_is_taken_up_where_it_broke(
    stand_in: StandIn, small_models: dict[str, Path], tmp_path: Path
) -> None:
    large = enlarged(small_models["llama"], tmp_path / "large", 5_000_000)
    stand_in.repositories["somebody/cut"] = Repository(large, cut_after=3_000_000)
    folder, _ = fetch_it("somebody/cut")
    assert (folder / "model.safetensors").read_bytes() == (large / "model.safetensors").read_bytes()
    assert stand_in.sent < 1.5 * 5_000_000
    assert "bytes=2097152-" in {one.range for one in stand_in.asked}


def test_a_connection_that_never_holds_is_given_up_on(stand_in: StandIn, small_models: dict[str, Path]) -> None:
    stand_in.repositories["somebody/cut"] = Repository(small_models["llama"], cut_after=1000)
    with pytest.raises(ModelUnavailable, match="Fetching somebody/cut broke off"):
        fetch_it("somebody/cut")


def test_a_slow_download_tells_how_far_it_is_and_stops_at_once(
    stand_in: StandIn, small_models: dict[str, Path], tmp_path: Path
) -> None:
    folder = enlarged(small_models["gpt2"], tmp_path / "large", 100_000_000)
    stand_in.repositories["somebody/large"] = Repository(folder, bytes_per_second=20_000_000)
    stop, telling = threading.Event(), Telling()

    def report(progress: Progress) -> None:
        telling(progress)
        if progress.stage == "download" and progress.done > 3_000_000:
            stopped_at.append(time.monotonic())
            stop.set()

    stopped_at: list[float] = []
    with pytest.raises(Cancelled):
        resolve("somebody/large", report=report, stop=stop)
    assert time.monotonic() - stopped_at[0] < 4
    assert len([done for done in telling.downloads() if 0 < done < 20_000_000]) >= 3
    assert catalogue.available_locally() == ["tiny"]
    assert not list((tmp_path / "cache").rglob("*.incomplete"))


def test_a_failing_server_is_told_from_a_missing_model(stand_in: StandIn, small_models: dict[str, Path]) -> None:
    stand_in.repositories["somebody/ill"] = Repository(small_models["llama"], failing=500)
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match=r"The Hub failed while somebody/ill was fetched \(HTTP 500\)"):
        fetch_it("somebody/ill")
    with pytest.raises(ModelError, match="The Hub has no model somebody/nothing") as caught:
        fetch_it("somebody/nothing")
    assert not isinstance(caught.value, ModelUnavailable)
    assert time.monotonic() - started < 20


def test_a_gated_model_says_what_to_do_and_comes_with_the_right_token(
    stand_in: StandIn, small_models: dict[str, Path]
) -> None:
    stand_in.repositories["somebody/gated"] = Repository(small_models["opt"], gated=True)
    for token in (None, "not-accepted"):
        with pytest.raises(ModelUnavailable, match=r"accept its licence at https://huggingface.co/somebody/gated"):
            fetch_it("somebody/gated", token=token)
    folder, _ = fetch_it("somebody/gated", token="accepted")  # noqa: S106 - means something to the stand-in alone
    assert (folder / "config.json").is_file()


def test_a_silent_server_is_given_up_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(ModelUnavailable, match=r"The Hub cannot be reached.*On this machine already: tiny"):
            fetch_it("somebody/small")
        assert time.monotonic() - started < 20


def test_no_network_is_told_with_what_is_here(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, small_models: dict[str, Path]
) -> None:
    stand_in.repositories["somebody/small"] = Repository(small_models["llama"])
    fetch_it("somebody/small")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(ModelUnavailable, match=r"cannot be reached.*On this machine already: tiny, somebody/small\."):
        fetch_it("somebody/other")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelUnavailable, match="HF_HUB_OFFLINE forbids to fetch it"):
        fetch_it("somebody/other")


def test_repositories_that_hold_no_model_are_refused_before_anything_arrives(
    stand_in: StandIn, small_models: dict[str, Path], tmp_path: Path
) -> None:
    for name, files in {"adapter": ["adapter_config.json"], "gguf": ["config.json", "model.gguf"]}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text('{"model_type": "llama"}')
        stand_in.repositories[f"somebody/{name}"] = Repository(tmp_path / name)
    stand_in.repositories["somebody/code"] = Repository(
        small_models["llama"], extra={"config": {"auto_map": {"AutoModelForCausalLM": "modeling.Odd"}}}
    )
    with pytest.raises(ModelError, match="it is an adapter, not a model by itself"):
        fetch_it("somebody/adapter")
    with pytest.raises(ModelError, match=r"it has no weights as model\.safetensors"):
        fetch_it("somebody/gguf")
    with pytest.raises(ModelError, match="it needs code from its repository"):
        fetch_it("somebody/code")
    assert stand_in.sent == 0


def test_only_needed_files_weights_last_and_safetensors_before_pickles() -> None:
    held = ["README.md", "pytorch_model.bin", "model.safetensors", "tokenizer.json", "config.json", "onnx/model.onnx"]
    assert needed(held) == ["config.json", "tokenizer.json", "model.safetensors"]
    shards = ["pytorch_model.bin.index.json", "pytorch_model-00002-of-00002.bin", "pytorch_model-00001-of-00002.bin"]
    assert needed(["config.json", *shards, "training_args.bin"]) == ["config.json", shards[0], shards[2], shards[1]]
    with pytest.raises(Unsuitable):
        needed(["config.json", "model.gguf"])


@pytest.mark.parametrize("name", ["", "a b", "a/b/c", "../x y", "a--b", "é/x", "x" * 97, "-a/b"])
def test_what_cannot_be_a_hub_id_is_refused_without_asking(name: str) -> None:
    assert not hub.is_hub_id(name)
    with pytest.raises(ModelError, match=r"A model is a name from the catalogue|There is no folder"):
        resolve(name, report=lambda _: None, stop=threading.Event())


def test_a_misspelt_name_gets_a_hint() -> None:
    with pytest.raises(ModelError, match=r"Did you mean smollm2-135m-instruct\?"):
        resolve("smollm2 135m instruct", report=lambda _: None, stop=threading.Event())


def test_folders_are_told_from_hub_ids(small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_models["llama"].parent)
    assert fetch.names_a_folder("llama")
    assert fetch.names_a_folder("/nowhere")
    assert not fetch.names_a_folder("facebook/opt-350m")


def test_waiting_for_another_download_can_be_stopped() -> None:
    stop = threading.Event()
    with fetch._turn("a/b", lambda _: None, stop):

        def report(progress: Progress) -> None:
            assert progress.stage == "wait"
            stop.set()

        with pytest.raises(Cancelled):
            fetch._turn("a/b", report, stop)
