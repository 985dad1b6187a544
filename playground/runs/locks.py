"""Operating-system locks that say who is alive: they end with their process, however it ends."""

from pathlib import Path

from filelock import FileLock, Timeout

from playground.errors import Busy


def hold(path: Path, *, wait: float = 0.0) -> FileLock:
    """The lock at `path`, taken; its `release()` or the end of the process gives it back.

    Args:
        path: Made where it does not exist.
        wait: Seconds to wait for whoever holds it.

    Raises:
        Busy: another holder still has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=wait, poll_interval=0.02)
    except Timeout:
        raise Busy(f"{path} is held by another process; wait until it ends.") from None
    return lock


def is_held(path: Path) -> bool:
    """Whether somebody living holds the lock at `path`."""
    if not path.exists():
        return False
    try:
        hold(path).release()
    except Busy:
        return True
    return False
