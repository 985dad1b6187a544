"""The page, built once for the tests that look at its parts, and what stands behind it."""

import asyncio
from collections.abc import Iterator

import gradio as gr
import pytest

from playground.ui import app, identity
from playground.ui.data_shelf import DataShelf
from playground.ui.services import Services


@pytest.fixture(scope="session")
def page() -> gr.Blocks:
    """The whole page. Built inside an event loop: without one Gradio opens several and closes none."""

    async def build() -> gr.Blocks:
        return app.build(Services("none"))

    return asyncio.run(build())


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is host but by sitting here, unless a test sets a host key."""
    monkeypatch.delenv(identity.HOST_KEY_VARIABLE, raising=False)


@pytest.fixture
def services() -> Iterator[Services]:
    """What a page works with, without a model."""
    made = Services("none")
    yield made
    made.close()
    made.store.close()


@pytest.fixture
def shelf() -> DataShelf:
    """What keeps opened data, with nothing in it."""
    return DataShelf()
