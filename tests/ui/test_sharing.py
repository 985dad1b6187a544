"""A job and the loaded model in one memory, with the model in the box."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from playground.config import codec
from playground.config.presets import ready
from playground.errors import ModelError
from playground.models import memory
from playground.runs.events import Metric, Phase, PhaseChange
from playground.runs.records import RunRecord
from playground.ui.services import Services
from playground.ui.sharing import Sharing

GB = 10**9


@pytest.fixture
def services(own_home: Path) -> Iterator[Services]:
    """With `tiny` loaded."""
    services = Services("tiny")
    services.model_server().start_loading("tiny", "auto", "cpu")
    assert services.model_server().wait_loaded(60).state == "ready"
    yield services
    services.close()


def queued(services: Services) -> RunRecord:
    """A run of the ready config, which nobody does."""
    document = codec.encode(ready("tiny-sft"))
    run = services.store.create("run", document, method="sft", model="tiny", name="mine", owner="")
    return services.store.get(run)


def test_the_model_stays_where_both_fit_and_what_a_run_will_take_is_kept_for_it(services: Services) -> None:
    record = queued(services)
    free = memory.available()
    with Sharing(services).during(record):
        assert services.model_server().status().state == "ready"
        kept = free - memory.available()
        assert kept > GB / 4
        services.store.append(record.id, [PhaseChange(Phase.PREPARING), Metric(1, {"memory_gb": 500.0})])
        assert free - memory.available() < kept / 2, "what it has taken already is not kept a second time"


def test_the_model_makes_room_where_both_do_not_fit(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    server = services.model_server()
    monkeypatch.setattr(memory, "_container_free", lambda: GB // 10)
    with Sharing(services).during(queued(services)):
        assert server.status().state == "aside"
        with pytest.raises(ModelError, match=r"put away for now\. mine uses the memory .*comes back when that has"):
            server.next_token("The")
        monkeypatch.undo()
    assert server.wait_loaded(60).state == "ready"
    assert server.next_token("The").tokens


def test_a_glance_at_the_model_leaves_half_of_the_cores_to_a_job(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, threads = services.model_server(), []
    server.require().loaded.model.register_forward_pre_hook(lambda *_: threads.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        server.next_token("One")
        for record in (queued(services), replace(queued(services), kind="evaluation")):
            with Sharing(services).during(record):
                server.next_token(f"Two {record.kind}")
                assert torch.get_num_threads() == 4
                with pytest.raises(ModelError):
                    server.next_token("plot " * 600)
                assert torch.get_num_threads() == 4
        server.next_token("Three")
    finally:
        torch.set_num_threads(before)
    assert threads == [4, 2, 2, 4]


def test_what_cannot_be_judged_is_let_through(services: Services) -> None:
    record = queued(services)
    for odd in (replace(record, document={"model": "/no/where"}), replace(record, kind="evaluation")):
        free = memory.available()
        with Sharing(services).during(odd):
            assert free - memory.available() < GB / 4
            assert services.model_server().status().state == "ready"
