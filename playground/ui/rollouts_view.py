"""The Rollouts view of the Distribution tab: many continuations of one prompt, their rewards, and what follows."""

from playground.ui.question import Question
from playground.ui.services import Services
from playground.ui.shell import Shell


def build(services: Services, shell: Shell, question: Question) -> None:
    """Lays the view out and wires it."""
