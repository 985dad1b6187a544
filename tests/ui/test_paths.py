"""Of this machine's files a participant reads none but their own uploads, whatever stands in a field or a config."""

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from playground.config.run import DataSettings
from playground.data import uploads
from playground.data.loading import load_rows
from playground.errors import PlaygroundError
from playground.models import catalogue
from playground.models.catalogue import cached_snapshot
from playground.models.fetch import resolve
from playground.runs.events import Phase
from playground.ui import identity
from playground.ui.data_form import check_source
from playground.ui.identity import HOST_KEY_VARIABLE, Person
from playground.ui.launching import launch, launch_evaluation
from playground.ui.services import Services
from playground.ui.tabs import model as model_tab
from tests.ui.evaluations import run_of
from tests.ui.people import ANN, request

GUEST = Person(identity.owner_id(ANN["key"]), host=False)
FAR = request("198.51.100.7", host="example.org")
DIGEST = "0123456789abcdef"
SAID = "Nobody may read this here."
SOURCES = (
    "{home}/secret.json", "secret.json", "./secret.json", "../home/secret.json", "~/secret.json", " {home}/secret.json",
    "file://{home}/secret.json", "instructions/../secret.json", "upload:../secret.json",
    f"upload:{DIGEST}/../../secret.json", f"upload:{DIGEST}/..%2f..%2fsecret.json",
    f"upload:{DIGEST}/../{DIGEST}/a.json",
    f"upload:{DIGEST}\\..\\..\\secret.json", "upload:{home}/secret.json", f"upload:{DIGEST}/link.json",
    "upload:fedcba9876543210/secret.json", f"upload:{DIGEST}/\x00", "/proc/self/environ", "\x00", "somebody/dataset",
)  # fmt: skip
MODELS = (
    "{home}/model", "model", "./model", "../home/model", "~/model", "tiny/../model", "tiny/../../home/model",
    "models--a--b", "\x00", "somebody/model", "..", "",
)  # fmt: skip
"""None of these is a name of the catalogue."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder the app was started in, the home of its user and the playground's: with a file, a model and links."""
    home = tmp_path / "home"
    (home / "uploads" / DIGEST).mkdir(parents=True)
    (home / "secret.json").write_text(json.dumps([{"instruction": SAID, "output": SAID}]), encoding="utf-8")
    (home / "uploads" / DIGEST / "link.json").symlink_to(home / "secret.json")
    (home / "uploads" / "fedcba9876543210").symlink_to(home, target_is_directory=True)
    tiny = catalogue.local_folder("tiny")
    assert tiny is not None
    for name in ("model", "tiny"):
        (home / name).symlink_to(tiny, target_is_directory=True)
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PLAYGROUND_HOME", str(home))
    monkeypatch.setenv(HOST_KEY_VARIABLE, "the-host-key-of-this-test")
    return home


@pytest.fixture
def services(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    made = Services("none")
    monkeypatch.setattr(made.jobs, "submit", lambda kind, *_, **__: f"a queued {kind}")
    yield made
    made.close()
    made.store.close()


def is_refused(what: object, ask: Callable[[], object]) -> None:
    """Fails unless it is refused in a sentence that has nothing of the file in it."""
    with pytest.raises(PlaygroundError) as told:
        pytest.fail(f"{what} was taken: {ask()}")
    assert SAID not in str(told.value), what


def test_data_that_was_not_uploaded_is_not_read(place: Path, services: Services) -> None:
    assert launch(services, {"model": "tiny", "data": {"source": "lumen-instructions"}}, GUEST) == "a queued run"

    def look(source: str) -> None:
        check_source(source, ANN, FAR)
        load_rows(DataSettings(source=source))

    for source in (source.replace("{home}", str(place)) for source in SOURCES):
        is_refused(source, partial(look, source))
        document = {"model": "tiny", "data": {"source": source}, "training": {"max_steps": None}}
        is_refused(source, partial(launch, services, document, GUEST))


def test_ones_own_upload_is_read_and_its_name_leads_nowhere(place: Path) -> None:
    for name in ("rows.json", "../../secret.json", f"../{DIGEST}/link.json", "..\\..\\secret.json"):
        source = uploads.keep(place / "secret.json", name)
        check_source(source, ANN, FAR)
        assert load_rows(DataSettings(source=source)).rows[0]["output"] == SAID
        found = uploads.find(source)
        assert found is not None
        assert found.parent.parent == place / "uploads"
        assert found.parent.name != DIGEST


def test_a_model_of_this_machine_is_for_the_host(place: Path, services: Services) -> None:
    for name in (name.replace("{home}", str(place)) for name in MODELS):
        for source, hub, folder, entry in (
            ("hub", name, "", None), ("folder", "", name, None), ("catalogue", "", "", name), ("made up", "", "", name)
        ):  # fmt: skip
            asked = partial(model_tab.allowed_ref, services, source, entry, None, hub, folder, ANN, FAR)
            is_refused((source, name), asked)
        documents: list[dict[str, Any]] = [
            {"model": name},
            {"model": {"run": name}},
            {"model": "tiny", "method": "dpo", "dpo": {"judge": name or "."}},
            *(
                {"model": "tiny", "method": "ppo", "data": {"source": "lumen-openings"}, "ppo": {"reward": reward}}
                for reward in ({"kind": "classifier", "model": name}, {"kind": "reward_model", "run": name or "."})
            ),
        ]
        for document in documents:
            whole = {"data": {"source": "lumen-instructions"}, **document}
            is_refused(document, partial(launch, services, whole, GUEST))


def test_an_evaluation_reads_no_folder_either(place: Path, services: Services) -> None:
    own = run_of(services.store, GUEST.owner, phase=Phase.DONE)
    for left in ("adapter_config.json", "adapter_model.safetensors"):
        (services.store.folder(own) / "adapter" / left).write_text("{}", encoding="utf-8")
    assert launch_evaluation(services, {"run": own, "limit": 1}, GUEST) == "a queued evaluation"
    for name in (name.replace("{home}", str(place)) for name in MODELS if name):
        for changes in (
            {"run": name}, {"run": f"{own}@../{name}"}, {"run": own, "others": [name]}, {"run": own, "judge": name},
            {"run": own, "questions": name}, {"run": own, "judging": {"model": name}},
            {"run": own, "judging": {"model": f"run:{name}"}},
        ):  # fmt: skip
            is_refused(changes, partial(launch_evaluation, services, {"limit": 1, **changes}, GUEST))


def test_a_folder_that_is_called_like_a_model_does_not_take_its_place(place: Path) -> None:
    assert resolve("tiny", report=lambda _: None, stop=threading.Event()) == catalogue.BUNDLED / "tiny"
    assert cached_snapshot("../../secret") is None
    assert cached_snapshot("\x00") is None
