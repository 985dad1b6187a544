"""Waits for what is about to happen, as long as it takes and no longer."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], timeout: float = 60.0, what: str = "") -> None:
    """Returns once `condition` holds; fails the test where it does not within `timeout` seconds."""
    until = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"Still waiting after {timeout:g} s for {what or condition}.")
        time.sleep(0.02)
