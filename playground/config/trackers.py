"""The trackers that a run may report to beside the playground's own store: which package each needs. Light."""

import importlib.util
from collections.abc import Mapping

from playground.errors import ConfigError

MODULES: Mapping[str, tuple[str, ...]] = {
    "tensorboard": ("tensorboard", "tensorboardX"),
    "trackio": ("trackio",),
    "wandb": ("wandb",),
}
"""Modules by tracker, any of which will do; the first is also what pip calls its package."""


def check_installed(report_to: str) -> None:
    """Whether a run could report to this tracker from this machine; nothing is imported.

    Raises:
        ConfigError: its package is not installed; names it.
    """
    modules = MODULES.get(report_to, ())
    if modules and not any(importlib.util.find_spec(module) for module in modules):
        lacks = f"needs the package {modules[0]}, which is not installed here"
        raise ConfigError([f"training.report_to {report_to} {lacks}; run pip install {modules[0]}, or set it to none."])
