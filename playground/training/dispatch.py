"""Runs whatever a config describes: a method's trainer is the file of its name in `methods/`."""

import gc
import importlib
import traceback
from collections.abc import Callable, Mapping

import torch

from playground.config.methods import METHODS
from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.training.outcome import Outcome
from playground.training.tracking import tracked

TRAINERS: Mapping[str, Callable[[RunConfig, JobContext], Outcome]] = {
    name: importlib.import_module(f"playground.training.methods.{name}").train for name in METHODS
}
"""Method name, as in a config, to the function that runs it."""


def execute(config: RunConfig, context: JobContext) -> Outcome:
    """Runs `config` to its end in this process and gives the device's memory back, whatever happened.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    try:
        with tracked(config.training.report_to, context.folder):
            return TRAINERS[config.method](config, context)
    except BaseException as error:
        # The frames of a failed run hold its tensors for as long as somebody looks at the error.
        traceback.clear_frames(error.__traceback__)
        raise
    finally:
        # Trainer, callbacks and model refer to each other in circles, which only the collector frees.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
