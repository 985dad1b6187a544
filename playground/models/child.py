"""Work that is done in a child process so that it can be ended at once: downloads and conversions.

The child writes one JSON object per line; its standard input is a pipe that closes when the parent ends, however it
ends, and the child goes with it. The child's huggingface_hub reads its settings from an environment of its own.
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from playground.errors import Cancelled

Message = dict[str, Any]


class Ended(NamedTuple):
    """How a child came to its end."""

    code: int
    errors: str
    """The end of what it wrote to standard error."""


def run_child(
    arguments: Sequence[str],
    *,
    stop: threading.Event,
    on_message: Callable[[Message], None] = lambda _message: None,
    on_tick: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] | None = None,
    grace: float = 3.0,
) -> Ended:
    """Runs `python ARGUMENTS` to its end, passing on what it says; `on_tick` comes several times a second.

    A child that is stopped has `grace` seconds to tidy up after its input closed; then it is killed.

    Raises:
        Cancelled: `stop` was set; the child is gone by then.
    """
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    # S603: the command is this Python with a module of ours or pip; what a person typed is only ever an argument.
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **(environment or {})},
        )
        try:
            _follow(process, stop, on_message, on_tick)
        finally:
            _end(process, grace)
        size = errors.seek(0, os.SEEK_END)
        errors.seek(max(0, size - 4000))
        return Ended(process.returncode, errors.read().decode("utf-8", "replace"))


def say(**message: Any) -> None:
    """In the child: one message to the parent."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def end_with_parent(tidy: Callable[[], None] = lambda: None) -> None:
    """In the child: end this process when its standard input closes, after `tidy`."""

    def watch() -> None:
        os.read(0, 1)  # not sys.stdin: its lock, held by a daemon thread, is fatal when the interpreter ends
        tidy()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _follow(
    process: "subprocess.Popen[bytes]",
    stop: threading.Event,
    on_message: Callable[[Message], None],
    on_tick: Callable[[], None],
) -> None:
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True).start()
    ended = False
    while not ended or process.poll() is None:
        if stop.is_set():
            raise Cancelled("Stopped before it was complete.")
        try:
            line = lines.get(timeout=0.1)
        except queue.Empty:
            on_tick()
            continue
        ended = ended or line is None
        if line is not None and line.startswith(b"{"):
            on_message(json.loads(line))


def _pump(source: IO[bytes], lines: "queue.SimpleQueue[bytes | None]") -> None:
    with source:
        for line in source:
            lines.put(line)
    lines.put(None)


def _end(process: "subprocess.Popen[bytes]", grace: float) -> None:
    cast("IO[bytes]", process.stdin).close()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
