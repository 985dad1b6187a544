"""What a visitor should know of the place the app runs in, on the first screen."""

import gradio as gr

from playground.runs.home import chosen_folder
from playground.surroundings import keeps, place
from playground.ui.i18n import text


def notices() -> tuple[str, ...]:
    """Keys of the sentences that hold here: what works, and whether runs outlive the place; none on an own machine."""
    here = place()
    kept = keeps(chosen_folder())
    lost = "" if kept else "place.lost_space" if here.is_space else "place.lost_container"
    return tuple(filter(None, (f"place.{here}" if here.is_space else "", lost)))


def build() -> None:
    """Lays them out, where there are any."""
    for key in notices():
        gr.Markdown(text(key), elem_classes="pp-note", elem_id=key.replace(".", "-"))
