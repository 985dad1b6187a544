"""The Train tab's handlers as functions: who may resume what."""

from pathlib import Path

import gradio as gr
import pytest

from playground.errors import NotAllowed, RunError
from playground.runs.checkpoints import writing
from playground.runs.events import Metric, Phase, PhaseChange
from playground.ui import identity
from playground.ui.run_views import run_row
from playground.ui.services import Services
from playground.ui.tabs import train
from tests.ui.test_identity import request

ANN, BEN = ({"key": f"the secret key of {name}"} for name in ("ann", "ben"))
FAR = request("192.168.1.7")


def click(run: str) -> gr.EventData:
    """A click on the button of a run."""
    return gr.EventData(None, {"run": run})


def test_only_the_owner_resumes_and_only_what_can_go_on(own_home: Path) -> None:
    services = Services()
    owner = identity.identify(ANN, FAR).owner
    run = services.store.create("run", {}, method="sft", model="m", name="", owner=owner)
    services.store.append(run, [PhaseChange(Phase.PREPARING), Metric(2, {"loss": 1.0})])
    services.store.finish(run, Phase.FAILED, "It broke.")
    assert run_row(services, services.store.get(run))["resumable"] is False
    with pytest.raises(RunError, match="left no checkpoint that is whole"):
        train.resume(services, click(run), ANN, FAR)
    with writing(services.store.folder(run), 2, {}) as partial:
        (partial / "checkpoint-2").mkdir()
    assert run_row(services, services.store.get(run))["resumable"] is True
    with pytest.raises(NotAllowed):
        train.resume(services, click(run), BEN, FAR)
    assert services.store.get(run).phase is Phase.FAILED
    services.close()
    with pytest.raises(RunError, match="The app is closing; resume the run once it is back"):
        train.resume(services, click(run), ANN, FAR)
