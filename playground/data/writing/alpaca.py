"""Alpaca's template. Source: https://github.com/tatsu-lab/stanford_alpaca (train.py)."""

from playground.data.writing import instruction_response
from playground.data.writing.writer import with_places

WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
)
ALONE = "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"


def prompt(instruction: str, further: str) -> str:
    """A sentence that says what is coming, and the instruction."""
    return (WITH_INPUT if further else ALONE) + instruction_response.prompt(instruction, further)


WRITER = with_places(prompt)
