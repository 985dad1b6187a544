"""What the page's handlers work with: store, jobs and the model server, each made on first use.

Heavy imports (torch, transformers) happen in a background thread once the first page is out, so that the page is
up at once; until then the model server's state is "starting".
"""

import dataclasses
import logging
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playground.jobs.manager import JobManager
    from playground.models.serving import ModelServer
    from playground.runs.store import RunStore

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "smollm2-135m-instruct"
GRACE_SECONDS = 2.0
"""Heavy imports wait this long for a first visitor, whose page would otherwise share the processor with them."""


class Services:
    """One per app. Cheap to make: opens and imports nothing until asked."""

    def __init__(self, model: str | None = DEFAULT_MODEL) -> None:
        self.model = model
        """Loaded in the background at the start; None loads nothing."""
        self.first_page = threading.Event()
        """Set when a browser has the page and asks for the first status."""
        self._store: RunStore | None = None
        self._jobs: JobManager | None = None
        self._server: ModelServer | None = None
        self._lock = threading.RLock()
        self._server_lock = threading.Lock()
        self._failure: str | None = None
        self._closed = threading.Event()

    @property
    def store(self) -> "RunStore":
        """Runs and evaluations."""
        with self._lock:
            if self._store is None:
                from playground.runs.store import RunStore

                self._store = RunStore()
            return self._store

    @property
    def jobs(self) -> "JobManager":
        """The queue that runs are put into."""
        with self._lock:
            if self._jobs is None:
                from playground.jobs.manager import JobManager

                self._jobs = JobManager(self.store)
            return self._jobs

    def model_server(self) -> "ModelServer":
        """The loaded model, shared by everyone. The first call imports torch, which takes seconds."""
        with self._server_lock:
            if self._server is None:
                from playground.models.serving import ModelServer

                self._server = ModelServer(self.store)
            return self._server

    def status(self) -> dict[str, Any]:
        """The model server's state as JSON values; never blocks, so "starting" until the imports are done."""
        if self._server is None:
            return {"state": "failed" if self._failure else "starting", "error": self._failure, "stage": ""}
        return dataclasses.asdict(self._server.status())

    def start(self) -> threading.Thread:
        """Begins the background work: queue, orphaned runs, heavy imports, the first model."""
        thread = threading.Thread(target=self._start, name="playground-start", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Ends the queue; runs that go on in worker processes end with us."""
        self._closed.set()
        self.first_page.set()
        if self._jobs is not None:
            self._jobs.close()

    def _start(self) -> None:
        self.first_page.wait(GRACE_SECONDS)
        if self._closed.is_set():
            return
        try:
            server = self.model_server()
            if self.model:
                server.start_loading(self.model, "auto", "auto")
            self.jobs.recover()
            self.jobs.warm_up()
        except Exception as error:  # the page stays up and says why there is no model
            logger.exception("The background start failed.")
            self._failure = f"The model server could not start: {error}"
