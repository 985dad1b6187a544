"""Runs in these tests are as small as those of training."""

from tests.training.conftest import quick_runs

__all__ = ["quick_runs"]
