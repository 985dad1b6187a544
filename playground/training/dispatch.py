"""Picks the method of a run. A new method is one file beside this one and one line in `METHODS`."""

import gc
import traceback
from collections.abc import Callable, Mapping

import torch

from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.training import dpo, grpo, kto, orpo, ppo, reward, rloo, sft
from playground.training.outcome import Outcome
from playground.training.tracking import tracked

METHODS: Mapping[str, Callable[[RunConfig, JobContext], Outcome]] = {
    "sft": sft.train,
    "reward": reward.train,
    "ppo": ppo.train,
    "grpo": grpo.train,
    "rloo": rloo.train,
    "dpo": dpo.train,
    "kto": kto.train,
    "orpo": orpo.train,
}
"""Method name, as in a config, to the function that runs it."""


def execute(config: RunConfig, context: JobContext) -> Outcome:
    """Runs `config` to its end in this process and gives the device's memory back, whatever happened.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    try:
        with tracked(config.training.report_to, context.folder):
            return METHODS[config.method](config, context)
    except BaseException as error:
        # The frames of a failed run hold its tensors for as long as somebody looks at the error.
        traceback.clear_frames(error.__traceback__)
        raise
    finally:
        # Trainer, callbacks and model refer to each other in circles, which only the collector frees.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
