"""What the Data tab's widgets ask for: a row, lengths, duplicates, a prompt. Each answer first checks the source."""

from typing import Any

import gradio as gr

from playground.data import inspection
from playground.errors import DataError, PlaygroundError
from playground.ui import data_view
from playground.ui.data_form import check_source, opened_config
from playground.ui.data_shelf import DataShelf
from playground.ui.data_view import DROPPED, Reader
from playground.ui.sent import sent
from playground.ui.services import Services

PROMPT_TABS = ("distribution", "compare")


def look(
    services: Services, shelf: DataShelf, event: gr.EventData, person: object, opened: object, request: gr.Request
) -> dict[str, Any]:
    """One row; what is asked for is its part and place, or the next one with certain words."""
    asked = sent(event)
    try:
        config = opened_config(opened)
        if config is None:
            return {"state": "empty"}
        check_source(config.data.source, person, request)
        splits = shelf.splits(config.data)
        part, index = str(asked.get("part", "train")), _whole(asked.get("index"), least=-1)
        words = str(asked.get("search") or "")[:1000]
        if words and data_view.part_sizes(splits).get(part):
            step = -1 if _whole(asked.get("step"), least=-1) < 0 else 1
            place, looked = data_view.find(splits, part, index, step, words)
            if place is None:
                return {"state": "nothing", "words": words[:100], "looked": looked}
            index = place
        return data_view.row(splits, part, index, config, reader_of(services))
    except PlaygroundError as error:
        return {"state": "problem", "message": str(error)}


def _whole(value: object, least: int = 0) -> int:
    """A whole number out of what the browser sent."""
    return max(least, int(value)) if isinstance(value, (int, float)) and abs(value) < 2**53 else 0


def reader_of(services: Services) -> Reader | None:
    """The loaded model's tokenizer; None while there is none."""
    status = services.status()
    info = status.get("info")
    if status["state"] != "ready" or not info:
        return None
    server = services.model_server()
    return Reader(server.tokenizer, status["title"], server.vocabulary_id, info["context_length"])


def take_as_prompt(
    shelf: DataShelf, event: gr.EventData, person: object, opened: object, request: gr.Request
) -> tuple[str, Any]:
    """The question of the row that is shown becomes the prompt of another tab, which opens."""
    asked = sent(event)
    config = opened_config(opened)
    part, index = str(asked.get("part")), _whole(asked.get("index"))
    if config is None or part == DROPPED:
        raise DataError("There is no row to take; open a data set and go to one.")
    check_source(config.data.source, person, request)
    splits = shelf.splits(config.data)
    rows = {"train": splits.train, "test": splits.test, "validation": splits.validation}.get(part, ())
    if index >= len(rows):
        raise DataError(f"There is no row {index + 1} in this part; it has {len(rows)}.")
    wanted = asked.get("tab")
    return (
        inspection.question(rows[index])[: data_view.CELL_LETTERS],
        gr.Tabs(selected=wanted if wanted in PROMPT_TABS else PROMPT_TABS[0]),
    )


def measure(
    services: Services, shelf: DataShelf, person: object, opened: object, request: gr.Request
) -> dict[str, Any]:
    """Lengths of the training rows in the loaded model's tokens."""
    try:
        config, reader = opened_config(opened), reader_of(services)
        if config is None:
            return {"state": "empty"}
        check_source(config.data.source, person, request)
        if reader is None:
            return {"state": "unloaded"}
        splits = shelf.splits(config.data)
        measured = shelf.measured(
            config.data,
            reader.vocabulary,
            lambda: inspection.measure(splits.train, config.data.template_text, reader.tokenizer),
        )
        return data_view.lengths(measured, config, reader, splits.format)
    except PlaygroundError as error:
        return {"state": "problem", "message": str(error)}


def count_doubles(shelf: DataShelf, person: object, opened: object, request: gr.Request) -> dict[str, Any]:
    """Duplicates, and held-out rows that training has too."""
    config = opened_config(opened)
    if config is None:
        return {"state": "empty"}
    check_source(config.data.source, person, request)
    return {"state": "counted", **data_view.doubles(shelf.doubles(config.data))}
