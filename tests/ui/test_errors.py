import inspect
import logging
from collections.abc import Iterator

import gradio as gr
import pytest

from playground.errors import DataError
from playground.ui.errors import shown


def add(services: str, number: int, request: gr.Request) -> str:
    if number < 0:
        raise DataError(f"Row <b>{number}</b> is negative & wrong.")
    return f"{services}{1 // number}"


def test_bound_values_go_first_and_vanish_from_the_signature() -> None:
    wrapped = shown(add, "services")
    assert wrapped(1, None) == "services1"
    assert list(inspect.signature(wrapped).parameters) == ["number", "request"]
    assert wrapped.__annotations__ == {"number": int, "request": gr.Request, "return": str}


def test_an_error_meant_for_people_is_shown_as_its_sentence_without_becoming_html() -> None:
    with pytest.raises(gr.Error) as caught:
        shown(add, "services")(-1, None)
    assert caught.value.message == "Row &lt;b&gt;-1&lt;/b&gt; is negative &amp; wrong."
    assert caught.value.title == "That did not work"


def test_a_defect_is_logged_whole_and_shown_without_its_inside(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as caught:
        shown(add, "services")(0, None)
    assert "Something went wrong" in caught.value.message
    assert "ZeroDivisionError" in caught.value.message
    assert "integer" not in caught.value.message
    assert caplog.records[0].exc_info is not None


def test_errors_of_generators_are_shown_too() -> None:
    def numbers(start: int) -> Iterator[int]:
        yield start
        raise DataError("No more.")

    wrapped = shown(numbers, 3)
    assert inspect.isgeneratorfunction(wrapped)
    stream = wrapped()
    assert next(stream) == 3
    with pytest.raises(gr.Error, match=r"No more\."):
        next(stream)
