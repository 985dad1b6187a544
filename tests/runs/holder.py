"""A process that queues a run, works on it, and then does nothing until it is killed: `python -m … HOME PHASE`."""

import sys
import threading
from pathlib import Path

from playground.runs.events import Phase, PhaseChange
from playground.runs.locks import hold
from playground.runs.store import RunStore

if __name__ == "__main__":
    store = RunStore(Path(sys.argv[1]))
    run = store.create("run", {}, method="sft", model="m", name="held", owner="")
    if sys.argv[2] != Phase.QUEUED:
        lock = hold(store.lock_path(run))
        store.append(run, [PhaseChange(Phase.PREPARING)])
    print(run, flush=True)  # noqa: T201  # the test reads it
    threading.Event().wait()
