"""Settings of a room: what its participants may do. None of it holds for the host."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from playground.config.settings import Range, Settings


@dataclass(frozen=True)
class RoomSettings(Settings):
    """What everybody but the host may do; the host changes it while people work, and it holds from then on."""

    section: ClassVar[str] = "room"

    allow_runs: bool = True
    """Participants may train, resume, evaluate and take the tour; otherwise they watch what the host starts. Closing
    calls off what they have waiting; what goes on is finished."""
    allow_models: bool = True
    """Participants may load another model, which everybody in the room then uses."""
    jobs_per_person: Annotated[int, Range(1, 100)] = 3
    """Runs and evaluations that one person may have waiting or going on."""
    max_steps: Annotated[int, Range(1, 1_000_000)] = 500
    """Optimiser steps of one run."""
    max_step_rows: Annotated[int, Range(1, 65_536)] = 64
    """Rows that one step learns from: batch size times accumulation, or the rollouts of PPO."""
    max_row_tokens: Annotated[int, Range(8, 1_000_000)] = 1024
    """Tokens of the longest row; memory and time of a step grow with it."""
    max_run_minutes: Annotated[int, Range(1, 10_080)] = 30
    """Minutes that a run or an evaluation may take at a time; then a run is saved and stopped, and may be resumed."""
    max_model_size: Annotated[int, Range(1, 1_000_000)] = 200
    """Millions of weights of a model that is trained, evaluated or loaded."""
    max_evaluation_rows: Annotated[int, Range(1, 1_000_000)] = 500
    """Rows that one evaluation answers."""
    max_new_tokens: Annotated[int, Range(1, 4096)] = 256
    """Tokens of the longest answer that may be asked for."""
    actions_per_minute: Annotated[int, Range(1, 10_000)] = 120
    """What one person may ask of the app in a minute: answers, votes, runs, data sets. Looking on does not count."""
    actions_per_address: Annotated[int, Range(1, 1_000_000)] = 3000
    """What may be asked in a minute from one network address. A whole room often shares one, so leave this at about
    thirty times the number of people; it stops whoever makes up a new person for every request."""
