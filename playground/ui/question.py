"""What is asked in the Distribution tab: one prompt, told to one model, for all of the tab's views."""

from dataclasses import dataclass

import gradio as gr


@dataclass(frozen=True)
class Question:
    """The fields above the views, and the view being built."""

    prompt: gr.Textbox
    chat: gr.Radio
    """True: the prompt is a user's message that goes through the model's chat template."""
    run: gr.Dropdown
    """Id of a finished run; "" is the loaded model itself."""
    view: gr.Tab
    """The view being built; `view.select` fires when it is opened."""

    def inputs(self) -> list[gr.Textbox | gr.Radio | gr.Dropdown]:
        """What a handler takes, in this order: prompt, chat, run."""
        return [self.prompt, self.chat, self.run]
