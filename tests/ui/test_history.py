"""The History tab's handlers and its list: who may see, change, take up and delete what."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground.config import codec
from playground.config.presets import ready
from playground.config.run import DataSettings, RunConfig, RunRef
from playground.errors import NotAllowed
from playground.runs.events import Metric, Phase, PhaseChange
from playground.ui import history_view, identity, routes, run_values
from playground.ui.services import Services
from playground.ui.shell import handing
from playground.ui.tabs import evaluate, history, train
from tests.ui.evaluations import finished_evaluation
from tests.ui.people import request

ANN, BEN = ({"key": f"the secret key of {name}", "host": ""} for name in ("ann", "ben"))
ANNS, BENS = (identity.owner_id(str(one["key"])) for one in (ANN, BEN))
FAR, HERE = request("192.168.1.7"), request("127.0.0.1")
CONFIG = replace(ready("tiny-sft"), name="First try")


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(Starlette(routes=routes.routes(services)))


def run_of(services: Services, owner: str = ANNS, phase: Phase = Phase.DONE, config: RunConfig = CONFIG) -> str:
    model = f"run {config.model.run}" if isinstance(config.model, RunRef) else config.model
    made = services.store.create("run", codec.encode(config), method="sft", model=model, name=config.name, owner=owner)
    services.store.append(made, [PhaseChange(Phase.PREPARING), Metric(3, {"loss": 1.5, "eval_loss": 2.5})])
    (services.store.folder(made) / "adapter").mkdir()
    (services.store.folder(made) / "adapter" / "weights").write_bytes(b"1" * 2000)
    (services.store.folder(made) / "checkpoints").mkdir()
    (services.store.folder(made) / "checkpoints" / "some").write_bytes(b"2" * 500)
    if phase.terminal:
        services.store.finish(made, phase)
    return made


def asked(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


def listed(client: TestClient, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/playground/history", params=query).json()
    return found


def test_the_list_tells_everything_of_every_run_but_where_it_lies(client: TestClient, services: Services) -> None:
    hub = run_of(services, BENS, config=replace(CONFIG, model="/srv/models/mine", data=DataSettings("/srv/rows.csv")))
    above = run_of(services, config=replace(CONFIG, model=RunRef(hub), data=DataSettings(f"upload:{'a' * 16}/my.csv")))
    evaluation = finished_evaluation(services.store, above, owner=ANNS, rows=5)
    found = listed(client)
    scores, run, below = found["entries"]
    assert [scores["run"], run["run"], below["run"]] == [evaluation, above, hub]
    assert run | {"created": 0, "started": 0, "ended": 0, "seconds": 0, "bytes": 0} == {
        "run": above, "kind": "run", "name": "First try", "method": "sft", "model": f"run {hub}", "on": hub,
        "data": "my.csv", "owner": ANNS, "phase": "done", "created": 0, "started": 0, "ended": 0, "seconds": 0,
        "steps": 3, "loss": 1.5, "headline": {"metric": "eval_loss", "value": 2.5}, "bleu": None, "bytes": 0,
        "checkpoints": 500, "archived": False,
    }  # fmt: skip
    assert (below["model"], below["data"], below["on"]) == ("mine", "rows.csv", None)
    assert (scores["kind"], scores["on"], scores["data"]) == ("evaluation", above, "test")
    assert scores["bleu"]["tuned"] > scores["bleu"]["base"]
    assert found["bytes"] == sum(one["bytes"] for one in found["entries"]) > 2 * 2500
    assert found["free"] % history_view.FREE_STEP == 0 < found["free"]
    text = json.dumps(found)
    assert "/srv" not in text
    assert "a" * 16 not in text
    assert str(services.store.home) not in text


def test_a_list_in_which_nothing_happened_is_not_sent_again(
    client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(services)
    first = client.get("/playground/history")
    tag = first.headers["etag"]
    again = client.get("/playground/history", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    services.store.rename(run, "Another name")
    assert client.get("/playground/history", headers={"if-none-match": tag}).status_code == 304  # within the second
    fresh = client.get("/playground/history", params={"fresh": "1"}, headers={"if-none-match": tag})
    assert fresh.json()["entries"][0]["name"] == "Another name"
    monkeypatch.setattr(history_view, "FRESH_SECONDS", 0)
    (services.store.folder(run) / "log.txt").write_text("more")
    assert listed(client)["entries"][0]["bytes"] == fresh.json()["entries"][0]["bytes"] + 4


def test_only_the_owner_and_the_host_rename(services: Services) -> None:
    run = run_of(services)
    assert "belongs to someone else" in history.rename(services, asked(run=run, name="Ben's"), BEN, FAR)["refused"]
    assert history.rename(services, asked(run=run, name="Mine", turn=7), ANN, FAR) == {"done": "renamed", "turn": 7}
    assert services.store.get(run).name == "Mine"
    assert history.rename(services, asked(run=run, name="The host's"), BEN, HERE)["done"] == "renamed"
    assert "needs a name" in history.rename(services, asked(run=run, name="  "), ANN, FAR)["refused"]
    assert "There is no run" in history.rename(services, asked(), ANN, FAR)["refused"]
    assert services.store.get(run).name == "The host's"


def test_nothing_is_deleted_where_one_is_not_ones_own(services: Services) -> None:
    mine, hers = run_of(services, BENS), run_of(services, ANNS)
    for taken in (history.erase, history.free):
        assert "belongs to someone else" in taken(services, asked(runs=[mine, hers]), BEN, FAR)["refused"]
    assert len(services.store.list()) == 2
    assert (services.store.folder(mine) / "checkpoints").is_dir()


def test_deleting_tells_what_came_back_and_what_stayed(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr(services, "forget_run", forgotten.append)
    base, going = run_of(services), run_of(services, phase=Phase.PREPARING)
    services.store.finish(going, Phase.DONE)
    above = run_of(services, config=replace(CONFIG, model=RunRef(base)))
    alone = services.store.create("run", {}, method="sft", model="m", name="Waits", owner=ANNS)
    refused = history.erase(services, asked(runs=[base]), ANN, FAR)
    assert (refused["done"], refused["count"], refused["bytes"]) == ("", 0, 0)
    assert f"First try ({above}) began from it" in refused["refused"]
    done = history.erase(services, asked(runs=[base, going, above, alone], turn=3), ANN, FAR)
    assert (done["done"], done["count"], done["turn"]) == ("deleted", 3, 3)
    assert done["bytes"] > 3 * 2500
    assert "Waits" in done["refused"]
    assert "is queued; stop it first" in done["refused"]
    assert [record.id for record in services.store.list()] == [alone]
    assert set(forgotten) == {base, going, above}


def test_freed_checkpoints_are_counted(services: Services) -> None:
    run, live = run_of(services), run_of(services, phase=Phase.PREPARING)
    done = history.free(services, asked(runs=[run, live]), ANN, FAR)
    assert (done["done"], done["bytes"]) == ("freed", 500)
    assert "once it has ended" in done["refused"]
    assert (services.store.folder(run) / "adapter" / "weights").is_file()
    assert (services.store.folder(live) / "checkpoints").is_dir()


def test_a_runs_config_fills_the_whole_form_without_its_name(services: Services, paths: tuple[str, ...]) -> None:
    config = replace(CONFIG, data=DataSettings(f"upload:{'a' * 16}/my.csv", template="plain", seed=3, split=(0.9, 0.1)))
    run = run_of(services, config=config)
    handed, tabs, answer = history.use(services, asked(run=run, turn=1), ANN, FAR)
    assert tabs.selected == "train"
    assert "refused" not in answer
    assert filled(paths, handed) == replace(config, name="")
    _, _, answer = history.use(services, asked(run=run), BEN, FAR)
    assert "belongs to someone else" in answer["refused"]
    evaluation = finished_evaluation(services.store, run, owner=ANNS, rows=3)
    _, _, answer = history.use(services, asked(run=evaluation), ANN, FAR)
    assert "is an evaluation" in answer["refused"]


def filled(paths: tuple[str, ...], handed: Any) -> RunConfig:
    """The config that the Train form holds after it took over what was handed."""
    values = train.take_config(paths, handed)
    values[3] = values[3]["value"]
    return codec.decode(run_values.document(paths, values))


@pytest.fixture(scope="module")
def paths(page: gr.Blocks) -> tuple[str, ...]:
    """Of the form's fields, in its order."""
    prefix = "train-"
    known = {f"{prefix}{path.replace('.', '-').replace('_', '-')}": path for path in _every_path()}
    found = [str(block.elem_id) for block in page.blocks.values() if getattr(block, "elem_id", None) in known]
    return tuple(known[elem_id] for elem_id in found)


def _every_path() -> list[str]:
    encoded = codec.encode(RunConfig())
    return [f"{section}.{key}" for section in encoded if isinstance(encoded[section], dict) for key in encoded[section]]


def test_a_config_out_of_a_file_fills_the_form_with_its_name(
    services: Services, paths: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    file.write_text("\ufeff" + codec.dumps(CONFIG), encoding="utf-8")
    handed, tabs, problem = history.import_config(services, str(file), ANN, FAR)
    assert (tabs.selected, problem) == ("train", {})
    assert filled(paths, handed) == CONFIG
    assert train.take_config(paths, handing("evaluate", look="x")) == [gr.skip()] * (len(paths) + run_values.FIRST)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (b'{"traning": {}, "training": {"max_steps": 0}, "adapter": {"rank": "x"}}',
         ["traning is not a setting", "training.max_steps must be at least 1", "adapter.rank must be a whole number"]),
        (b'{"method": "sft",}', ["Not valid JSON at line 1, column 18"]),
        (b"\xff\xfe{}", ["no text in UTF-8 (at byte 0)"]),
        (b'{"name": "' + b"x" * 2**20 + b'"}', ["at most 1 MiB"]),
        (b"[1]", ["must be a JSON object; got list"]),
        (b'{"data": {"source": "/etc/passwd"}}', ["Only the host can train on paths and Hub data sets"]),
        (b'{"model": "gpt-4"}', ["gpt-4 is not in the catalogue"]),
        (b'{"model": {"run": "sft-nobody"}}', ["There is no run 'sft-nobody'"]),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_everything_that_is_wrong(
    services: Services, tmp_path: Path, written: bytes, says: list[str]
) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(written)
    handed, tabs, problem = history.import_config(services, str(file), ANN, FAR)
    assert handed == tabs == gr.skip()
    assert problem["error"].startswith("config.json\n")
    for part in says:
        assert part in problem["error"]


def test_the_host_may_import_what_is_on_this_machine(services: Services, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"model": "someone/model", "data": {"source": "/srv/rows.csv"}}')
    handed, _, problem = history.import_config(services, str(file), ANN, HERE)
    assert problem == {}
    assert handed["config"]["data"]["source"] == "/srv/rows.csv"


def test_settings_are_compared_for_those_whose_they_are(services: Services) -> None:
    one = run_of(services)
    other = run_of(services, config=replace(CONFIG, name="Second", data=replace(CONFIG.data, limit=9, seed=None)))
    hers = run_of(services, BENS)
    found = history.differ(services, asked(runs=[one, other]), ANN, FAR)
    assert found["runs"] == [one, other]
    assert [setting for setting in found["settings"] if setting["differs"]] == [
        {"path": "data.limit", "label": "setting.data.limit.label", "values": [{"value": None}, {"value": 9}],
         "differs": True},
    ]  # fmt: skip
    assert "name" not in {setting["path"] for setting in found["settings"]}
    assert "belongs to someone else" in history.differ(services, asked(runs=[one, hers]), ANN, FAR)["error"]
    assert "settings" in history.differ(services, asked(runs=[one, hers]), ANN, HERE)
    assert "exactly two; 1 were chosen" in history.differ(services, asked(runs=[one, one]), ANN, FAR)["error"]


def test_evaluations_are_compared_with_their_like_and_older_configs_too(services: Services) -> None:
    run = run_of(services)
    few, many = (finished_evaluation(services.store, run, owner=ANNS, rows=rows) for rows in (3, 5))
    found = history.differ(services, asked(runs=[few, many]), ANN, FAR)
    assert [(one["path"], one["label"]) for one in found["settings"] if one["differs"]] == [
        ("evaluation.limit", "setting.evaluation.limit.label")
    ]
    assert "no settings in common" in history.differ(services, asked(runs=[few, run]), ANN, FAR)["error"]
    older = codec.encode(CONFIG)
    del older["training"]["save_steps"]
    before = services.store.create("run", older, method="sft", model="m", name="", owner=ANNS)
    found = history.differ(services, asked(runs=[before, run]), ANN, FAR)
    changed = {one["path"]: one["values"] for one in found["settings"] if one["differs"]}
    assert changed == {"training.save_steps": [{}, {"value": CONFIG.training.save_steps}]}


def test_a_run_is_looked_at_where_it_is_watched(services: Services) -> None:
    run = run_of(services)
    evaluation = finished_evaluation(services.store, run, rows=3)
    handed, tabs = history.look(services, asked(run=run))
    assert tabs.selected == "train"
    assert train.take_look(services, handed) == (run, {"run": run})
    assert evaluate.take_look(services, handed) == (gr.skip(), gr.skip())
    handed, tabs = history.look(services, asked(run=evaluation))
    assert tabs.selected == "evaluate"
    assert evaluate.take_look(services, handed) == (evaluation, {"evaluation": evaluation})
    assert train.take_look(services, handed) == (gr.skip(), gr.skip())


def test_the_page_learns_who_is_looking() -> None:
    assert history.who(ANN, FAR) == {"viewer": {"owner": ANNS, "host": False}}
    with pytest.raises(NotAllowed):
        history.who(None, FAR)


def test_a_thousand_runs_are_listed_fast_and_small(services: Services) -> None:
    document = codec.encode(CONFIG)
    with services.store.database.writing() as connection:
        for number in range(1000):
            connection.execute(
                "INSERT INTO runs (id, kind, name, method, model, owner, session, phase, created, document) "
                "VALUES (?, 'run', ?, 'sft', 'tiny', ?, '', 'done', ?, ?)",
                (f"sft-{number:06}", f"Run {number}", ANNS, float(number), json.dumps(document)),
            )
    listing = history_view.History(services).listing()
    assert len(json.loads(gzip.decompress(listing.body))["entries"]) == 1000
    assert len(listing.body) < 60_000
