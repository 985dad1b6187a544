"""`### Instruction` and `### Response`, as in the course."""

from playground.data.writing.writer import with_places


def prompt(instruction: str, further: str) -> str:
    """The instruction, the input where there is one, and the place of the answer."""
    block = f"### Input:\n{further}\n\n" if further else ""
    return f"### Instruction:\n{instruction}\n\n{block}### Response:\n"


WRITER = with_places(prompt)
