"""Runs whatever a config describes: a method's trainer is the file of its name in `methods/`."""

import gc
import importlib
import traceback
from collections.abc import Callable

import torch

from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.training.outcome import Outcome
from playground.training.tracking import tracked


def trainer_of(method: str) -> Callable[[RunConfig, JobContext], Outcome]:
    """The function that runs a method, by its name in a config. Imported where it is asked for: PPO does without TRL,
    datasets and pandas, which take 100 MB."""
    train: Callable[[RunConfig, JobContext], Outcome] = importlib.import_module(
        f"playground.training.methods.{method}"
    ).train
    return train


def execute(config: RunConfig, context: JobContext) -> Outcome:
    """Runs `config` to its end in this process and gives the device's memory back, whatever happened.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    try:
        with tracked(config.training.report_to, context.folder):
            return trainer_of(config.method)(config, context)
    except BaseException as error:
        # The frames of a failed run hold its tensors for as long as somebody looks at the error.
        traceback.clear_frames(error.__traceback__)
        raise
    finally:
        # Trainer, callbacks and model refer to each other in circles, which only the collector frees.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
