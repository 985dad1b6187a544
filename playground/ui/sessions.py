"""Gradio's sessions, one per open page, made light: without what only its deep links need, and for a while only.

Gradio describes every component anew for each page that opens (0.2 s of its event loop and 1.5 MB in this app), so that
a deep link could bring the page back, and keeps up to 10,000 such sessions for as long as the app runs. This app has no
deep links.
"""

from copy import copy
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
from gradio.routes import App
from gradio.state_holder import SessionState, StateHolder

KEPT = timedelta(minutes=15)
"""After its page has closed and has asked for nothing more: a phone's page comes back after a while in a pocket."""
MOST = 2000
"""Sessions; callers of the API leave theirs without a word, and the one that was used longest ago goes first."""


class Session(SessionState):
    """What one page has changed: values of `gr.State`, and components that a handler has updated."""

    def __init__(self, blocks: gr.Blocks) -> None:  # Gradio's own would describe the components here.
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, tuple[float | None, datetime]] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = KEPT.seconds

    def __setitem__(self, key: int, value: Any) -> None:
        """Keeps a state's value, or a component in place of the one that was built."""
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, gr.State):
            self._state_ttl[key] = (block.time_to_live, datetime.now())
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Nothing is described."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Nothing is described."""


class Sessions(StateHolder):
    """All of them, by the hash that a page sends with every event."""

    def __getitem__(self, session_id: str) -> SessionState:
        """A page's session, which is not closed as long as the page asks for something."""
        if session_id not in self.session_data:
            self.session_data[session_id] = Session(self.blocks)
        self.update(session_id)
        self.time_last_used[session_id] = datetime.now()
        session = self.session_data[session_id]
        session.is_closed = False
        return session

    def delete_all_expired_state(self) -> None:
        """Called by Gradio every second."""
        super().delete_all_expired_state()  # type: ignore[no-untyped-call]
        oldest = datetime.now() - KEPT
        for session_id, session in list(self.session_data.items()):
            if session.is_closed and self.time_last_used[session_id] < oldest:
                self.delete_state(session_id)
                with self.lock:
                    self.session_data.pop(session_id, None)
                    self.time_last_used.pop(session_id, None)


def install(app: App, demo: gr.Blocks) -> None:
    """Puts them in place of Gradio's in an app that nobody has visited yet."""
    app.state_holder = Sessions()  # type: ignore[no-untyped-call]
    app.state_holder.set_blocks(demo)
    app.state_holder.capacity = MOST
