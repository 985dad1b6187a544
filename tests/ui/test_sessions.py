"""A page's session costs little and goes a while after its page; until then nothing that the page changed is lost."""

import asyncio
import datetime

import gradio as gr
import pytest
from gradio.routes import App
from gradio.state_holder import SessionState

from playground.ui import sessions
from playground.ui.sessions import Sessions


@pytest.fixture
def held() -> Sessions:
    """Of a page of two fields. Built inside an event loop: without one Gradio opens several and closes none."""

    async def build() -> Sessions:
        with gr.Blocks() as demo:
            state, box = gr.State([1]), gr.Textbox("built")
            box.change(lambda kept, said: (kept, said), [state, box], [state, box])
        app = App()
        app.configure_app(demo)
        sessions.install(app, demo)
        assert isinstance(app.state_holder, Sessions)
        return app.state_holder

    return asyncio.run(build())


def the(held: Sessions, kind: type[gr.components.Component]) -> int:
    return next(key for key, block in held.blocks.blocks.items() if isinstance(block, kind))


def used(held: Sessions, session: str, ago: datetime.timedelta) -> None:
    held.time_last_used[session] = datetime.datetime.now() - ago


def test_it_has_what_gradios_own_has(held: Sessions) -> None:
    own = vars(SessionState(held.blocks))
    assert vars(held["ann"]).keys() == own.keys()
    assert own["config_values"]
    assert not held["ann"].config_values


def test_what_a_page_changed_is_its_own(held: Sessions) -> None:
    state, box = the(held, gr.State), the(held, gr.Textbox)
    held["ann"][state] = [2]
    held["ann"][box] = gr.Textbox("changed", render=False)
    assert held["ann"][state] == [2]
    assert held["ann"][box].value == "changed"
    assert held["ben"][state] == [1]
    assert held["ben"][box].value == "built"
    held["ben"][state].append(3)
    assert held["cat"][state] == [1]
    assert not held["ann"].config_values


def test_it_goes_a_while_after_its_page_has_closed(held: Sessions) -> None:
    for name in ("open", "closed", "just closed", "come back"):
        held[name].is_closed = name != "open"
        used(held, name, sessions.KEPT * (0.9 if name == "just closed" else 1.1))
    held["come back"]
    used(held, "come back", sessions.KEPT * 1.1)
    held.delete_all_expired_state()
    assert list(held.session_data) == list(held.time_last_used) == ["open", "just closed", "come back"]


def test_values_that_run_out_go_as_gradio_says(held: Sessions) -> None:
    gone: list[object] = []
    state = held.blocks.blocks[the(held, gr.State)]
    assert isinstance(state, gr.State)
    state.time_to_live, state.delete_callback = 0.0, gone.append
    held["ann"][state._id] = [5]
    held.delete_all_expired_state()
    assert gone == [[5]]
    assert held["ann"][state._id] == [1]


def test_of_callers_who_never_close_the_last_ones_are_kept(held: Sessions) -> None:
    for number in range(sessions.MOST + 5):
        held[f"call {number}"]
    assert len(held.session_data) == len(held.time_last_used) == sessions.MOST
    assert "call 4" not in held
    assert "call 5" in held
