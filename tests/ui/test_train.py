"""The Train tab's handlers as functions: who may resume what, and what an estimate knows of the data."""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from transformers import AutoTokenizer

from playground.config.presets import ready
from playground.config.run import RunConfig
from playground.data.masking import encode_rows
from playground.errors import DataError, NotAllowed, RunError
from playground.models import catalogue
from playground.runs.checkpoints import writing
from playground.runs.events import Metric, Phase, PhaseChange
from playground.ui import identity
from playground.ui.run_views import run_row
from playground.ui.services import Services
from playground.ui.tabs import train
from tests.ui.people import request

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


def cut_at(config: RunConfig, most: int) -> RunConfig:
    """The same run with rows of at most so many tokens."""
    return replace(config, training=replace(config.training, max_length=most))


def test_the_longest_row_is_the_longest_that_a_run_would_train_on(own_home: Path) -> None:
    services, config = Services(), ready("tiny-sft")
    folder = catalogue.local_folder("tiny")
    assert folder is not None
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = services.shelf.splits(config.data).train
    for most in (25, 40, 512):
        encoded = encode_rows(rows, config.data.template_text, tokenizer, most)
        longest = max(len(row.input_ids) for row in encoded.rows)
        assert services.longest_row(cut_at(config, most), folder) == longest
    with pytest.raises(DataError, match="no answer is left"):
        services.longest_row(cut_at(config, 8), folder)
    services.close()


def test_the_longest_row_of_ppo_is_a_prompt_with_the_longest_answer(own_home: Path) -> None:
    services, config = Services(), ready("tiny-ppo")
    folder = catalogue.local_folder("tiny")
    assert folder is not None
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = [record.question for record in services.shelf.splits(config.data).train]
    longest = max(len(tokenizer(text).input_ids) for text in texts)
    assert services.longest_row(config, folder) == longest + 48
    with pytest.raises(DataError, match="None of the"):
        services.longest_row(cut_at(config, 49), folder)
    services.close()


def test_another_template_reads_no_row_anew(own_home: Path) -> None:
    services, data = Services(), ready("tiny-sft").data
    assert services.shelf.splits(replace(data, template="alpaca")) is services.shelf.splits(data)
    assert services.shelf.splits(replace(data, limit=3)) is not services.shelf.splits(data)
    services.close()
