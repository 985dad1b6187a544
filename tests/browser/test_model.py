"""The Model tab where things go wrong or take long: each in a sentence in its place, and the app goes on."""

import json
import pickle
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, running_app
from tests.hub_server import Repository, StandIn, serve
from tests.small_models import make_model

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def hub() -> Iterator[StandIn]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def app(hub: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app without a model, with folders to load in its home, and a Hub on this machine."""
    home = tmp_path_factory.mktemp("model-tab")
    whole = make_model("llama", home / "whole")
    weightless = shutil.copytree(whole, home / "weightless")
    (weightless / "model.safetensors").unlink()
    pickled = shutil.copytree(weightless, home / "pickled")
    (pickled / "pytorch_model.bin").write_bytes(pickle.dumps(print, protocol=2))
    encoder = shutil.copytree(whole, home / "encoder")
    config = json.loads((encoder / "config.json").read_text())
    config |= {"model_type": "bert", "architectures": ["BertForMaskedLM"]}
    (encoder / "config.json").write_text(json.dumps(config))
    large = shutil.copytree(whole, home / "large")
    with (large / "model.safetensors").open("ab") as weights:
        weights.write(bytes(50_000_000))
    hub.repositories["somebody/slow"] = Repository(large, bytes_per_second=2_000_000)
    hub.repositories["somebody/gated"] = Repository(whole, gated=True)
    hub.repositories["somebody/failing"] = Repository(whole, failing=503)
    with running_app(
        home, PLAYGROUND_MODEL="none", HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="0", HF_HUB_CACHE=str(home / "cache")
    ) as running:
        running.wait_for("empty")
        yield running


def load(page: Page, source: str, field: str, typed: str) -> None:
    page.locator("#model-source").get_by_text(source).click()
    page.locator(f"#model-{field} :is(input, textarea)").first.fill(typed)
    page.locator("#model-load").click()


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("weightless", "has no weights: model.safetensors or pytorch_model.bin is needed"),
        ("pickled", "a pickle that holds more than tensors"),
        ("encoder", "BertForMaskedLM, an encoder that reads text but does not write it"),
        ("nowhere", "There is no folder"),
    ],
)
def test_a_folder_that_is_no_causal_model_says_why(page: Page, app: Server, folder: str, sentence: str) -> None:
    load(page, "Folder on this machine", "folder", str(app.home / folder))
    expect(page.get_by_role("alert").filter(has_text=sentence).first).to_be_visible()
    load(page, "Folder on this machine", "folder", str(app.home / "whole"))
    expect(page.locator("#pp-chip")).to_contain_text(re.compile("whole.*float32"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("somebody/nothing", "somebody/nothing"),
        ("somebody/gated", "gated"),
        ("somebody/failing", "503"),
    ],
)
def test_what_the_hub_does_not_give_says_why(page: Page, name: str, sentence: str) -> None:
    load(page, "Hugging Face Hub", "hub", name)
    expect(page.get_by_role("alert").filter(has_text=sentence).first).to_be_visible()


def test_a_slow_download_shows_how_far_it_is_and_can_be_cancelled(page: Page, app: Server) -> None:
    load(page, "Hugging Face Hub", "hub", "somebody/slow")
    expect(page.locator("#model-loaded progress")).to_be_visible()
    expect(page.locator("#pp-chip")).to_contain_text(re.compile(r"\d+ %"))
    page.locator("#model-cancel").click()
    expect(page.locator("#model-loaded progress")).to_be_hidden()
    assert app.status()["state"] in ("empty", "ready")
