"""How much one person may have going on."""

from pathlib import Path

import pytest

from playground.errors import Busy, ConfigError, NotAllowed
from playground.room.rules import JOBS_VARIABLE
from playground.ui.identity import Person
from playground.ui.launching import jobs_allowed, launch, launch_evaluation
from playground.ui.services import Services

ANN, HOST = Person("ann", host=False), Person("host", host=True)
TINY = {"model": "tiny", "data": {"source": "instructions"}}


def test_one_person_has_so_many_jobs_and_the_host_as_many_as_wanted(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JOBS_VARIABLE, "1")
    services = Services("none")
    assert (jobs_allowed(services, ANN), jobs_allowed(services, HOST)) == (1, None)
    run = services.store.create("run", {}, method="sft", model="tiny", name="", owner="ann")
    adapter = services.store.folder(run) / "adapter"
    adapter.mkdir()
    with pytest.raises(Busy, match="You have 1 job waiting or going on, and 1 at a time is what one person may have"):
        launch(services, TINY, ANN)
    assert [record.id for record in services.store.list()] == [run]
    services.store.request_stop(run)
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "adapter_model.safetensors").write_bytes(b"")
    services.store.create("run", {}, method="sft", model="tiny", name="", owner="ann")
    with pytest.raises(Busy):
        launch_evaluation(services, {"run": run}, ANN)
    services.close()


@pytest.mark.parametrize("given", ["0", "-1", "many", "1.5"])
def test_a_limit_that_is_no_number_is_told(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(JOBS_VARIABLE, given)
    with pytest.raises(ConfigError, match=f"must be a whole number above 0; got '{given}'"):
        jobs_allowed(Services("none"), ANN)


def test_trackers_are_for_the_host() -> None:
    """They would write into the host's accounts."""
    services = Services("none")
    with pytest.raises(NotAllowed, match="report to a tracker"):
        launch(services, TINY | {"training": {"report_to": "tensorboard"}}, ANN)
    assert services.store.list() == []
    services.close()


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_a_judge_is_for_whoever_trained_it(method: str) -> None:
    services = Services("none")
    judge = services.store.create("run", {}, method="reward", model="tiny", name="", owner="ben")
    asked = {"method": method, "model": "tiny", "data": {"source": "lumen-manners"}, method: {"judge": judge}}
    with pytest.raises(NotAllowed):
        launch(services, asked, ANN)
    assert [record.id for record in services.store.list()] == [judge]
    services.close()


def test_a_reward_that_has_to_be_fetched_is_for_the_host() -> None:
    services = Services("none")
    reward = {"kind": "sum", "terms": [{"weight": 1, "reward": {"kind": "classifier", "model": "someone/sentiment"}}]}
    asked = {"method": "ppo", "model": "tiny", "data": {"source": "lumen-openings"}, "ppo": {"reward": reward}}
    with pytest.raises(NotAllowed, match="The classifier someone/sentiment is not on this machine"):
        launch(services, asked, ANN)
    assert services.store.list() == []
    services.close()
