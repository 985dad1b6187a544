"""A process that appends metrics to a run in small batches: `python -m tests.runs.appender HOME RUN NAME COUNT`."""

import sys
from pathlib import Path

from playground.runs.events import Metric
from playground.runs.store import RunStore

if __name__ == "__main__":
    home, run, name, count = sys.argv[1:]
    store = RunStore(Path(home))
    for step in range(1, int(count), 2):
        store.append(run, [Metric(step, {name: step}), Metric(step + 1, {name: step + 1})])
    store.close()
