"""Trackers that get a run's metrics too. transformers' own callbacks do the work; here is only where they put it.

TensorBoard and Weights & Biases write into the run's folder; Trackio keeps one database for all projects of a person
(`~/.cache/huggingface/trackio`, or `TRACKIO_DIR`). What the person has set in the environment goes before all of this.
"""

import contextlib
import netrc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playground.config.run import RunConfig
from playground.config.trackers import check_installed
from playground.runs.context import JobContext

PROJECT = "post-training-playground"
WANDB_HOST = "api.wandb.ai"


def tracker_arguments(config: RunConfig, context: JobContext) -> dict[str, Any]:
    """Keyword arguments of a TRL config that name the project and the run; none without a tracker."""
    if config.training.report_to == "none":
        return {}
    name = f"{config.name} · {context.id}" if config.name else context.id
    return {"project": PROJECT, "run_name": name}


@contextlib.contextmanager
def tracked(report_to: str, folder: Path) -> Iterator[None]:
    """While the block lasts, trackers find in the environment where to write and never ask for a login.

    Raises:
        ConfigError: the tracker's package is not installed.
    """
    check_installed(report_to)
    added = {name: value for name, value in _environment(report_to, folder).items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _environment(report_to: str, folder: Path) -> dict[str, str]:
    if report_to == "tensorboard":
        return {"TENSORBOARD_LOGGING_DIR": str(folder / "tensorboard")}
    if report_to == "wandb":
        # Offline runs are kept whole in the folder; `wandb sync` sends them when the person wants.
        mode = {} if _logged_in_to_wandb() else {"WANDB_MODE": "offline"}
        return {"WANDB_DIR": str(folder), "WANDB_PROJECT": PROJECT, "WANDB_SILENT": "true", **mode}
    return {}


def _logged_in_to_wandb() -> bool:
    """Whether `wandb login` was done here, or a key is in the environment."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc().authenticators(WANDB_HOST) is not None
    except (OSError, netrc.NetrcParseError):
        return False
