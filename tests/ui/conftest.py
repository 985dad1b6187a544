"""The page, built once for the tests that look at its parts."""

import asyncio

import gradio as gr
import pytest

from playground.ui import app
from playground.ui.services import Services


@pytest.fixture(scope="session")
def page() -> gr.Blocks:
    """The whole page. Built inside an event loop: without one Gradio opens several and closes none."""

    async def build() -> gr.Blocks:
        return app.build(Services("none"))

    return asyncio.run(build())
