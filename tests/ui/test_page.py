"""What an event gives and sends is what Gradio's own page would; only what stays is not made anew."""

import asyncio
from copy import deepcopy
from typing import Any

import gradio as gr
import pytest

from playground.ui.page import Page
from playground.ui.sessions import Session

STAYS = gr.skip()


async def answered(kind: type[gr.Blocks], predictions: Any) -> tuple[list[Any], list[bool]]:
    """What the browser gets of an event with three outputs, and which components were made anew for it."""
    with kind() as demo:
        fields = [gr.Textbox(render=True), gr.Number(), gr.Dropdown(["a", "b"])]
        button = gr.Button()
        button.click(lambda: None, None, fields)
    session = Session(demo)
    found = await demo.postprocess_data(demo.fns[0], deepcopy(predictions), session)
    return found, [session[field._id] is not field for field in fields]


@pytest.mark.parametrize(
    ("predictions", "anew"),
    [
        ([STAYS, STAYS, STAYS], [False, False, False]),
        (["x", STAYS, STAYS], [False, False, False]),
        (("x", 2, "b"), [False, False, False]),
        ([STAYS, gr.update(value=3, visible=False), STAYS], [False, True, False]),
        ([gr.update(info="i"), 4, gr.update(choices=["c"], value="c")], [True, False, True]),
        (STAYS, None),
    ],
)
def test_it_sends_what_gradio_sends(predictions: Any, anew: list[bool] | None) -> None:
    own, all_anew = asyncio.run(answered(gr.Blocks, predictions))
    sent, made = asyncio.run(answered(Page, predictions))
    assert sent == own
    assert made == (all_anew if anew is None else anew)


async def taken(kind: type[gr.Blocks], inputs: list[Any]) -> list[Any]:
    """What a handler gets of five inputs, of which the session has changed the choices of one."""
    with kind() as demo:
        fields = [gr.Textbox(), gr.Number(precision=0), gr.Dropdown(["a", "b"]), gr.State({"kept": 1}), gr.File()]
        fields = fields[: len(inputs)]
        button = gr.Button()
        button.click(lambda *_: None, fields, None)
    session = Session(demo)
    session[fields[2]._id] = gr.Dropdown(["a", "c"], render=False)
    return list(await demo.preprocess_data(demo.fns[0], deepcopy(inputs), session))


@pytest.mark.parametrize(
    "inputs", [["x", 2.4, "c", None], [None, None, None, None], ["x", 7, "a"], ["x", 1, "a", None, None]]
)
def test_a_handler_gets_what_gradio_gives(inputs: list[Any]) -> None:
    assert asyncio.run(taken(Page, inputs)) == asyncio.run(taken(gr.Blocks, inputs))


@pytest.mark.parametrize("inputs", [["x", 1, "b", None], ["x", "no number", "a", None], ["x", 1]])
def test_what_does_not_fit_is_refused_as_gradio_does(inputs: list[Any]) -> None:
    refusals = []
    for kind in (Page, gr.Blocks):
        with pytest.raises(Exception) as refused:  # noqa: PT011
            asyncio.run(taken(kind, inputs))
        refusals.append((type(refused.value), str(refused.value)))
    assert refusals[0] == refusals[1]


def test_a_handler_that_gives_too_little_is_told_so() -> None:
    with pytest.raises(ValueError, match="enough output values"):
        asyncio.run(answered(Page, ["x", STAYS]))
