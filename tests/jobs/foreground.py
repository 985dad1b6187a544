"""A job in the foreground: `python -m tests.jobs.foreground HOME DOCUMENT` prints its id, does it, prints its phase."""

import json
import sys
from pathlib import Path

from playground.jobs import foreground
from playground.jobs.submission import submit
from playground.runs.store import RunStore

if __name__ == "__main__":
    store = RunStore(Path(sys.argv[1]))
    job = submit(store, "run", json.loads(sys.argv[2]))
    print(job, flush=True)  # noqa: T201  # the test reads it
    print(foreground.execute(job, store).phase, flush=True)  # noqa: T201
    store.close()
