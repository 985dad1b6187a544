"""Entry point of a worker process: quiet, last in line for the processor, and gone when its parent is."""

import contextlib
import io
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path

import psutil

from playground.jobs import logfile, worker
from playground.runs.store import RunStore

ORPHANED = 3
"""Exit code of a worker whose parent died."""


def main(job: str, home: str) -> None:
    """Does one job of the store in `home`; ends within two seconds of the parent, however that one ends."""
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    # Ctrl-C in a terminal reaches the whole group; it is the parent that decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["PLAYGROUND_HOME"] = home
    _lower_priority()
    store = RunStore(Path(home))
    try:
        _redirect(store.folder(job) / logfile.NAME)
        worker.execute(job, store)
    finally:
        store.close()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # a pipe that only the parent holds; no clean-up, for the job may be stuck
        os._exit(ORPHANED)


def _lower_priority() -> None:
    if sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
        return
    os.nice(19)
    # Where memory runs out, Linux should take the job and not the app; some containers do not let us say so.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def _redirect(path: Path) -> None:
    """Sends what libraries print to the job's log, C code included."""
    target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.flush()
            os.dup2(target, stream.fileno())
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    os.close(target)
