"""An app without a page: `python -m tests.jobs.app HOME DOCUMENT COUNT` queues a job COUNT times and waits.

Leaves on SIGTERM as an app should: by closing its manager.
"""

import json
import signal
import sys
import threading
from pathlib import Path

from playground.jobs.manager import JobManager
from playground.runs.store import RunStore

if __name__ == "__main__":
    home, document, count = sys.argv[1:]
    store = RunStore(Path(home))
    manager = JobManager(store)
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    jobs = [manager.submit("run", json.loads(document)) for _ in range(int(count))]
    print(*jobs, flush=True)  # noqa: T201
    asked.wait()
    manager.close()
    store.close()
