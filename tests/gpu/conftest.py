"""Checks that need a CUDA device: `make gpu-check` runs them and prints the figures."""

import gc
from collections.abc import Callable

import pytest
import torch

Report = Callable[[str, str], None]
FIGURES = pytest.StashKey[dict[str, str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips them where there is no device, also where every other test must run: no machine of ours promises one."""
    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason="needs a CUDA device, and torch sees none on this machine")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(skip)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints the figures as a table at the end."""
    figures = config.stash.get(FIGURES, {})
    if figures:
        width = max(map(len, figures))
        terminalreporter.section(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
        for name, figure in figures.items():
            terminalreporter.write_line(f"{name:<{width}}  {figure}")


@pytest.fixture
def report(pytestconfig: pytest.Config) -> Report:
    """Takes a figure by name."""
    return pytestconfig.stash.setdefault(FIGURES, {}).__setitem__


@pytest.fixture(autouse=True)
def own_memory() -> None:
    """Every test counts its own memory."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
