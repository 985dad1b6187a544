"""The Beam search view of the Distribution tab: the tree of partial answers that beam search keeps."""

from playground.ui.question import Question
from playground.ui.services import Services
from playground.ui.shell import Shell


def build(services: Services, shell: Shell, question: Question) -> None:
    """Lays the view out and wires it."""
