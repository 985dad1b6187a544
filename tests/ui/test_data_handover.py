"""What the Data tab gives to other tabs, and what a browser has kept of it."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from playground.config.methods.dpo import DPOSettings
from playground.config.presets import ready
from playground.data import uploads
from playground.errors import DataError
from playground.ui import data_form, data_reading, run_sources
from playground.ui.data_shelf import DataShelf
from playground.ui.tabs import data, train
from tests.ui.opened_data import PERSON, event, opened, write
from tests.ui.people import FAR, HERE


def test_the_question_becomes_the_prompt_of_another_tab(shelf: DataShelf) -> None:
    kept, _ = opened(shelf, "instructions")
    prompt, tabs = data_reading.take_as_prompt(shelf, event(part="train", index=0, tab="compare"), PERSON, kept, HERE)
    assert prompt == "Write 359 in words."
    assert tabs.selected == "compare"
    _, tabs = data_reading.take_as_prompt(shelf, event(part="train", index=0, tab="model"), PERSON, kept, HERE)
    assert tabs.selected == "distribution"
    for wrong in ({"part": "dropped", "index": 0}, {"part": "train", "index": 10**6}):
        with pytest.raises(DataError):
            data_reading.take_as_prompt(shelf, event(**wrong), PERSON, kept, HERE)


def test_an_upload_is_kept_and_chosen(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.csv", "instruction,output\na,b\n")
    chosen = run_sources.take_upload(path, PERSON, FAR)
    assert chosen["value"].startswith(uploads.PREFIX)
    assert chosen["choices"][-1] == ("mine.csv", chosen["value"])


def test_train_takes_what_is_handed_over_and_hands_its_own_back(shelf: DataShelf) -> None:
    kept, _ = opened(shelf, "instructions", data__limit="40", training__max_length=77)
    handed, tabs = data.hand_over(shelf, PERSON, kept, HERE)
    assert tabs.selected == "train"
    assert handed["to"] == "train"
    assert data.hand_over(shelf, PERSON, handed, HERE)[0] != handed, "a second time is a change too"
    paths = ("data.template", "data.limit", "data.columns", "training.max_length", "training.batch_size", "sft.loss_on")
    form = ("sft", "", "tiny", "", *[""] * 6)
    assert train.take_data(paths, kept, *form) == [gr.skip()] * 10
    taken = train.take_data(paths, handed, *form)
    assert taken[3]["value"] == "instructions"
    assert taken[4:] == ["alpaca", "40", "", 77, gr.skip(), "response"]
    with pytest.raises(DataError):
        data.hand_over(shelf, PERSON, None, HERE)
    values = ["sft", "", "tiny", "lumen-openings", "plain", "3", '{"prompt": "opening"}', 99, 8, "all"]
    back, tabs = train.show_data(paths, handed, *values)
    assert tabs.selected == "data"
    assert back["data"] | {"source": "lumen-openings", "limit": 3, "columns": {"prompt": "opening"}} == back["data"]
    assert (back["training"], back["sft"]["loss_on"], back["to"]) == ({"max_length": 99}, "all", "data")


def test_pairs_are_handed_to_a_method_that_learns_from_pairs(shelf: DataShelf) -> None:
    kept, _ = opened(shelf, "lumen-preferences", training__max_length=77)
    handed, _ = data.hand_over(shelf, PERSON, kept, HERE)
    paths = ("data.template", "training.max_length", "training.learning_rate", "sft.loss_on", "dpo.beta")

    def taken(method: str, model: str = "tiny", opened: Any = handed) -> list[Any]:
        return train.take_data(paths, opened, method, "", model, "instructions", *[""] * 5)

    ready_run = ready("tiny-dpo")
    method, name, model, source, *fields = taken("sft")
    assert (method, name, model, source["value"]) == ("dpo", gr.skip(), gr.skip(), "lumen-preferences")
    assert isinstance(ready_run.options, DPOSettings)
    rate, beta = ready_run.training.learning_rate, ready_run.options.beta
    assert fields == ["alpaca", 77, rate, gr.skip(), beta]
    assert taken("ppo", "someone/model")[4:] == ["alpaca", 77, gr.skip(), gr.skip(), DPOSettings().beta]
    for paired in ("reward", "dpo", "kto", "orpo"):
        assert taken(paired)[0] == gr.skip()
    instructions, _ = data.hand_over(shelf, PERSON, opened(shelf, "instructions")[0], HERE)
    assert taken("reward", opened=instructions)[0] == "sft"
    assert taken("ppo", opened=instructions)[0] == gr.skip()


@pytest.mark.parametrize("broken", [{"data": 5}, {"data": {"source": ""}}, {"data": {"unknown": 1}}, 7, [], "x"])
def test_what_a_browser_kept_in_vain_is_forgotten(shelf: DataShelf, broken: object) -> None:
    assert data.restore(PERSON, broken, HERE) == [gr.skip()] * (1 + len(data_form.PATHS))
    assert list(data.reopen(shelf, PERSON, broken, HERE)) == [(gr.skip(), gr.skip())]
    assert opened(shelf, "instructions", broken)[1]["state"] == "ready"
