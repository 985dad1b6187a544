"""Checkpoints of PPO: all that the next update depends on. Random numbers are not among it, as every update has its
own, made from the seed and the update's number."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.optim.lr_scheduler import LRScheduler
from transformers import TrainerState

from playground.runs import checkpoints
from playground.runs.context import JobContext
from playground.training.continuation import Carried
from playground.training.methods.ppo.actor import Actor
from playground.training.methods.ppo.update import Optimisation
from playground.training.saving import check_finite, keep_step

STATE = "trainer_state.json"
"""As transformers names it; its trainer, which has the name, brings datasets and pandas along."""
WEIGHTS = "trained.safetensors"
"""Everything that learns, by the names of `Actor.trained`."""
REST = "optimisation.pt"


class Keeper:
    """Writes and reads the checkpoints of one run."""

    def __init__(
        self, actor: Actor, optimisation: Optimisation, schedule: LRScheduler, context: JobContext, rows: str
    ) -> None:
        """`rows` is the fingerprint of the prompts."""
        self._actor = actor
        self._parts: dict[str, Any] = {**optimisation._asdict(), "schedule": schedule}
        self._context = context
        self._rows = rows

    def save(self, state: TrainerState, tokens: int, evaluated: bool, extra: dict[str, Any]) -> None:
        """Writes the checkpoint of the update that `state` stands at, unless it is there.

        Args:
            tokens: seen since the beginning.
            evaluated: whether the held-out score of this update is on the curve.
            extra: JSON values that `load` gives back.

        Raises:
            RunError: a trained weight is not a finite number, from which nothing could go on.
            OSError: it cannot be written.
        """
        step = state.global_step
        if any(found.step == step for found in checkpoints.sealed(self._context.folder)):
            return
        check_finite(self._actor.model)
        carried = Carried(0.0, step, tokens, {})._asdict()
        notes = {"rows": self._rows, "last_step": state.max_steps, "carried": carried, "evaluated": evaluated}
        with checkpoints.writing(self._context.folder, step, notes) as partial:
            folder = partial / checkpoints.name_of(step)
            folder.mkdir()
            trained = {name: weight.detach().contiguous() for name, weight in self._actor.trained().items()}
            save_file(trained, folder / WEIGHTS)
            rest = {name: part.state_dict() for name, part in self._parts.items()}
            torch.save(rest | {"extra": extra}, folder / REST)
            state.save_to_json(str(folder / STATE))
            # A curve must not lack what came before the step at which it will go on.
            self._context.settle()
        keep_step(self._actor.model, step, self._context)

    def load(self, folder: Path) -> tuple[TrainerState, dict[str, Any]]:
        """Puts everything back as it was; gives the state and what `save` was given as `extra`."""
        device = str(self._actor.device)
        saved = load_file(folder / WEIGHTS, device=device)
        with torch.no_grad():
            for name, weight in self._actor.trained().items():
                weight.copy_(saved[name])
        rest = torch.load(folder / REST, map_location=device, weights_only=True)
        for name, part in self._parts.items():
            part.load_state_dict(rest[name])
        state = TrainerState.load_from_json(str(folder / STATE))
        extra: dict[str, Any] = rest["extra"]
        return state, extra
