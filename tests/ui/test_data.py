"""The Data tab's handlers: who may open what, what is said of it, and what is kept of it."""

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from playground.config.run import DataSettings, RunConfig
from playground.errors import ConfigError, NotAllowed, PlaygroundError
from playground.ui import data_form, data_reading, data_view, run_sources
from playground.ui.data_shelf import DataShelf
from playground.ui.data_view import Reader
from playground.ui.services import Services
from playground.ui.tabs import data
from tests.small_models import tokenizer_of
from tests.ui.opened_data import FORM, PERSON, around, event, form, opened, write
from tests.ui.people import FAR, HERE


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    """With a small tokenizer in place of a loaded model's."""
    reader = Reader(tokenizer_of("gpt2"), "Small", "small", 512)
    monkeypatch.setattr(data_reading, "reader_of", lambda _: reader)
    return Services("none")


@pytest.fixture
def odd(tmp_path: Path) -> str:
    """A file whose columns nobody knows, and whose last row has no answer."""
    rows = "".join(f"What is {n}?,{n},note\n" for n in range(20))
    return write(tmp_path, "odd.csv", f"ask,reply,more\n{rows}Nothing?,,\n")


def test_a_bundled_set_opens_for_everyone_and_survives_a_reload(shelf: DataShelf) -> None:
    kept, view = opened(shelf, "instructions", request=FAR)
    assert view["state"] == "ready"
    assert view["format"] == "instruction"
    assert view["columns"] == {"instruction": "instruction", "input": "input", "output": "output"}
    assert view["parts"] == {"train": 510, "test": 60, "validation": 30, "dropped": 0}
    assert json.loads(json.dumps(kept)) == kept
    fields = data.restore(PERSON, kept, FAR)
    assert fields[0]["value"] == "instructions"
    assert fields[1:] == list(FORM)
    *_, (again, shown) = data.reopen(shelf, PERSON, kept, FAR)
    assert (again, shown) == (kept, view)


def test_paths_and_hub_ids_are_for_the_host_by_any_way(shelf: DataShelf, services: Services, odd: str) -> None:
    mapped = {"instruction": "ask", "output": "reply"}
    kept = data_form.document_of(RunConfig(data=DataSettings(source=odd, columns=mapped)))
    for source in (odd, "/etc/passwd", "Anthropic/hh-rlhf", " ../x.json"):
        nothing, view = opened(shelf, source, request=FAR)
        assert nothing is None
        assert view["message"].startswith("Only the host can open paths and Hub data sets")
        assert "mapping" not in view
    *_, (_, reopened) = data.reopen(shelf, PERSON, kept, FAR)
    *_, (_, used) = data.use_mapping(around(shelf), event(columns=mapped), FAR, PERSON, None, *form(odd))
    offered = data.offer_mapping(shelf, FAR, PERSON, kept, *form(odd))
    looked = data_reading.look(services, shelf, event(part="train", index=0), PERSON, kept, FAR)
    measured = data_reading.measure(services, shelf, PERSON, kept, FAR)
    for refused in (reopened, used, offered, looked, measured):
        assert refused["message"].startswith("Only the host")
    preview = data.preview_mapping(shelf, event(columns=mapped), FAR, PERSON, None, *form(odd))
    assert preview["preview"]["error"].startswith("Only the host")
    with pytest.raises(NotAllowed):
        data_reading.count_doubles(shelf, PERSON, kept, FAR)
    with pytest.raises(NotAllowed):
        data_reading.take_as_prompt(shelf, event(part="train", index=0), PERSON, kept, FAR)
    assert opened(shelf, odd, kept)[1]["state"] == "ready"


def test_nobody_without_a_key_gets_in(shelf: DataShelf) -> None:
    *_, (_, view) = data.open_form(around(shelf), HERE, {}, None, *form("instructions"))
    assert "no owner key" in view["message"]
    with pytest.raises(NotAllowed):
        run_sources.take_upload("/etc/hostname", None, HERE)
    with pytest.raises(NotAllowed):
        data.restyle(HERE, None, None, *form("instructions"))


def test_unknown_columns_open_the_mapping_with_the_error_and_a_preview(shelf: DataShelf, odd: str) -> None:
    nothing, view = opened(shelf, odd)
    assert nothing is None
    assert "'ask', 'reply', 'more'" in view["message"]
    mapping = view["mapping"]
    assert mapping["columns"] == ["ask", "reply", "more"]
    assert mapping["formats"]["instruction"] == ["instruction", "input", "output"]
    assert mapping["optional"]["instruction"] == ["input"]
    assert mapping["head"][0] == {"ask": "What is 0?", "reply": "0", "more": "note"}
    columns = {"instruction": "ask", "input": "more", "output": "reply"}
    preview = data.preview_mapping(shelf, event(columns=columns), HERE, PERSON, None, *form(odd))["preview"]
    assert preview["rows"][1][0] == {"name": "instruction", "text": "What is 1?", "more": 0}
    assert (preview["usable"], preview["tried"]) == (20, 21)
    assert preview["reasons"] == [{"reason": "Column 'reply' is empty.", "count": 1, "first": 20}]
    *_, (kept, used) = data.use_mapping(around(shelf), event(columns=columns), HERE, PERSON, None, *form(odd))
    assert used["columns"] == columns
    assert used["parts"]["dropped"] == 1
    assert opened(shelf, odd, kept)[0] == kept, "opening anew keeps the mapping"
    assert opened(shelf, "instructions", kept)[0]["data"]["columns"] == {}, "another source has other columns"


@pytest.mark.parametrize(
    "columns", [{"instruction": "nowhere", "output": "reply"}, {"nothing": "ask"}, {"instruction": "ask"}]
)
def test_a_wrong_mapping_is_an_error_of_the_preview(shelf: DataShelf, odd: str, columns: dict[str, str]) -> None:
    preview = data.preview_mapping(shelf, event(columns=columns), HERE, PERSON, None, *form(odd))["preview"]
    assert "column" in preview["error"]


def test_a_broken_file_has_no_mapping_to_offer(shelf: DataShelf, tmp_path: Path) -> None:
    for name, content, says in [
        ("broken.json", '[{"a": ', "not valid JSON at line 1"),
        ("empty.csv", "", "is empty"),
        ("none.csv", "instruction,output\n", "has no rows"),
        ("odd.txt", "a", ".jsonl"),
    ]:
        _, view = opened(shelf, write(tmp_path, name, content))
        assert says in view["message"]
        assert set(view) == {"state", "message"}


def test_a_row_is_shown_as_it_stands_as_text_and_as_tokens(shelf: DataShelf, services: Services, odd: str) -> None:
    kept, _ = opened(shelf, "instructions")
    found = data_reading.look(services, shelf, event(part="test", index=3), PERSON, kept, HERE)
    assert (found["part"], found["index"], found["row"]) == ("test", 3, 513)
    assert [field["name"] for field in found["fields"]] == ["instruction", "input", "output"]
    assert "".join(segment["text"] for segment in found["text"]).endswith("<|endoftext|>")
    assert found["count"] == found["kept"] == len(found["tokens"])
    assert found["loss"] == sum(token[4] for token in found["tokens"])
    beyond = data_reading.look(services, shelf, event(part="test", index=10**6), PERSON, kept, HERE)
    assert beyond["index"] == 59
    for strange in (None, "x", -5, 1e300, True):
        assert (
            data_reading.look(services, shelf, event(part="test", index=strange), PERSON, kept, HERE)["part"] == "test"
        )
    assert data_reading.look(services, shelf, event(part="nowhere"), PERSON, kept, HERE)["part"] == "train"


def test_key_tokens_give_a_row_its_weight(shelf: DataShelf, services: Services) -> None:
    kept, _ = opened(shelf, "instructions", sft__key_tokens="the, is", sft__key_token_alpha=0.5)
    found = data_reading.look(services, shelf, event(part="train", index=0), PERSON, kept, HERE)
    marked = [found["tokens"][place][1].strip() for place in found["keys"]["places"]]
    assert marked
    assert set(marked) <= {"the", "is", "The"}
    assert found["keys"]["weight"] == 0.5 * (1 + len(marked))
    split, _ = opened(shelf, "instructions", sft__key_tokens="incomprehensibilities")
    found = data_reading.look(services, shelf, event(part="train", index=0), PERSON, split, HERE)
    assert "'incomprehensibilities' is" in found["keys"]["problem"]


def test_dropped_rows_have_reasons(shelf: DataShelf, services: Services, odd: str) -> None:
    columns = {"instruction": "ask", "output": "reply"}
    *_, (kept, _) = data.use_mapping(around(shelf), event(columns=columns), HERE, PERSON, None, *form(odd))
    found = data_reading.look(services, shelf, event(part="dropped", index=0), PERSON, kept, HERE)
    assert found["row"] == 20
    assert found["reason"]["text"] == "Column 'reply' is empty."
    assert [(cell["name"], cell["text"]) for cell in found["cells"]] == [
        ("ask", "Nothing?"),
        ("reply", ""),
        ("more", ""),
    ]


def test_long_texts_are_cut_and_very_long_rows_not_spelled(
    shelf: DataShelf, services: Services, tmp_path: Path
) -> None:
    rows = [{"instruction": "word " * 50_000, "output": "x"}, {"instruction": "a", "output": "b"}]
    kept, _ = opened(shelf, write(tmp_path, "long.json", json.dumps(rows)))
    found = data_reading.look(services, shelf, event(part="train", index=0), PERSON, kept, HERE)
    assert found["fields"][0]["more"] == 250_000 - data_view.CELL_LETTERS
    assert found["long"] > 250_000
    assert "tokens" not in found
    assert len(json.dumps(found)) < 100_000


def test_without_a_model_there_is_text_and_no_tokens(shelf: DataShelf) -> None:
    kept, _ = opened(shelf, "instructions")
    unloaded = Services("none")
    found = data_reading.look(unloaded, shelf, event(part="train", index=0), PERSON, kept, HERE)
    assert found["text"][-1]["in_loss"]
    assert "tokens" not in found
    assert data_reading.measure(unloaded, shelf, PERSON, kept, HERE) == {"state": "unloaded"}


def test_both_sides_of_a_preference_share_one_prompt(shelf: DataShelf, services: Services) -> None:
    kept, view = opened(shelf, "lumen-preferences")
    assert view["format"] == "preference"
    found = data_reading.look(services, shelf, event(part="train", index=0), PERSON, kept, HERE)
    pair = found["pair"]
    assert set(pair) == {"prompt", "chosen", "rejected"}
    assert pair["chosen"]["tokens"] != pair["rejected"]["tokens"]
    assert not any(token[4] for token in pair["prompt"]["tokens"])
    assert [field["name"] for field in found["fields"]] == ["prompt", "chosen", "rejected"]


def test_words_are_found_forwards_backwards_and_round_the_end(shelf: DataShelf, services: Services, odd: str) -> None:
    columns = {"instruction": "ask", "output": "reply"}
    *_, (kept, _) = data.use_mapping(around(shelf), event(columns=columns), HERE, PERSON, None, *form(odd))

    def seek(index: int, step: int, words: str) -> dict[str, Any]:
        asked = event(part="train", index=index, step=step, search=words)
        return data_reading.look(services, shelf, asked, PERSON, kept, HERE)

    assert seek(0, 1, "IS 7?")["index"] == 7
    assert seek(8, 1, "is 7?")["index"] == 7
    assert seek(-1, -1, "is 16?")["index"] == 16
    assert seek(3, 1, "nowhere") == {"state": "nothing", "words": "nowhere", "looked": 17}


def test_a_wrong_field_in_a_template_names_the_known_ones(shelf: DataShelf, services: Services) -> None:
    kept, _ = opened(shelf, "instructions")
    typed = form("instructions", data__template="custom", data__custom_template="Q: {instruktion} A: {output}")
    changed, told = data.restyle(HERE, PERSON, kept, *typed)
    assert told["state"] == "stale"
    problem = data_reading.look(services, shelf, event(part="train", index=0), PERSON, changed, HERE)["problem"]
    assert "{instruktion}" in problem
    assert "{instruction}, {input}, {output}" in problem
    unfinished = form("instructions", data__template="custom", data__custom_template="Q: {instr")
    same, told = data.restyle(HERE, PERSON, kept, *unfinished)
    assert same == gr.skip()
    assert told["state"] == "problem"


def test_restyling_leaves_the_rows_as_they_were_opened(shelf: DataShelf) -> None:
    kept, _ = opened(shelf, "instructions")
    typed = form("lumen-sentiment", data__template="plain", data__limit="5", training__max_length=64)
    changed, _ = data.restyle(HERE, PERSON, kept, *typed)
    assert changed == kept | {
        "data": kept["data"] | {"template": "plain"},
        "training": {"max_length": 64},
    }
    assert data.restyle(HERE, PERSON, None, *typed) == (gr.skip(), gr.skip())


def test_filters_open_anew_and_nothing_else_does(shelf: DataShelf) -> None:
    kept, _ = opened(shelf, "instructions")

    def refilter(**changed: Any) -> tuple[Any, dict[str, Any]]:
        *_, last = data.refilter(shelf, HERE, PERSON, kept, *form("instructions", **changed))
        return last

    assert refilter() == (gr.skip(), {"state": "fine"})
    again, view = refilter(data__limit="100", data__split="50 / 50")
    assert view["parts"] | {"dropped": 0} == {"train": 50, "test": 50, "validation": 0, "dropped": 0}
    assert again["data"]["limit"] == 100
    same, told = refilter(data__split="50 / 60")
    assert same == gr.skip()
    assert told["kept"]
    assert "data.split" in told["message"]


def test_lengths_tell_what_is_cut(shelf: DataShelf, services: Services) -> None:
    kept, _ = opened(shelf, "instructions", training__max_length=100)
    found = data_reading.measure(services, shelf, PERSON, kept, HERE)
    assert found["limit"] == 100
    assert found["measured"] == found["total"] == len(found["lengths"]) == 510
    assert found["truncated"] == sum(length > 100 for length in found["lengths"]) > 0
    assert found["ends_lost"] + found["left_out"] == found["truncated"]
    longer, _ = opened(shelf, "instructions", training__max_length=4096)
    assert data_reading.measure(services, shelf, PERSON, longer, HERE)["limit"] == 512, "what the model reads"


def test_doubles_and_leaks_are_counted(shelf: DataShelf, tmp_path: Path) -> None:
    rows = [{"instruction": f"Say {n % 8}.", "output": f"{n % 8}"} for n in range(20)]
    kept, _ = opened(shelf, write(tmp_path, "same.json", json.dumps(rows)))
    found = data_reading.count_doubles(shelf, PERSON, kept, HERE)
    assert found["doubles"] == 12
    assert found["leaks"]["test"]["pairs"] == 2


def test_every_problem_of_the_form_is_said(shelf: DataShelf) -> None:
    _, view = opened(shelf, "", data__seed="x")
    assert view["message"].startswith("data.seed must be a whole number")
    _, view = opened(shelf, " ", training__max_length=1)
    assert "data.source is empty" in view["message"]
    assert "training.max_length must be at least 8" in view["message"]
    with pytest.raises(ConfigError):
        data_form.config_from(form("instructions", data__template="none"))
    assert issubclass(ConfigError, PlaygroundError)
