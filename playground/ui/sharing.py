"""One machine for the loaded model and the job that goes on: the job gets what it needs, the model what is left."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playground.config import codec
from playground.errors import PlaygroundError
from playground.models import cores

if TYPE_CHECKING:
    from playground.runs.records import RunRecord
    from playground.ui.services import Services

logger = logging.getLogger(__name__)


class Sharing:
    """Makes room before a job begins, and keeps that room for it while it goes on."""

    def __init__(self, services: "Services") -> None:
        self._services = services

    @contextmanager
    def during(self, record: "RunRecord") -> Iterator[None]:
        """For the block, the job has the memory that it was estimated to need, and the cores most of the time."""
        with self._memory(record), cores.job():
            yield

    @contextmanager
    def _memory(self, record: "RunRecord") -> Iterator[None]:
        """For the block, the job has the memory.

        Where it does not fit beside the loaded model, the model steps aside and comes back after. Loading and
        answering count what the job has not yet taken as taken, and are refused where too little is left.
        """
        need = self._need(record)
        if need is None:
            yield
            return
        from playground.models import memory

        server = self._services.model_server()
        if not need["fits"] and need["loaded"]:
            server.step_aside(
                f"{record.name or record.id} uses the memory ({memory.gigabytes(need['bytes'])}); the model comes back "
                "when that has ended."
            )
        try:
            with memory.promised(lambda: need["bytes"] - self._taken(record.id)):
                yield
        finally:
            server.come_back()

    def _need(self, record: "RunRecord") -> dict[str, Any] | None:
        """What `Services.training_memory` says of a run; None for what it cannot judge."""
        if record.kind != "run":
            return None
        try:
            config = codec.decode(record.document)
            most = self._services.training_memory(config, read_data=False)
            # Only where the worst that could come does not fit is it worth reading the data for what will come.
            return most if most is None or most["fits"] else self._services.training_memory(config, read_data=True)
        except (PlaygroundError, OSError) as error:  # the job will say so itself
            logger.info("The memory of %s cannot be told: %s", record.id, error)
            return None

    def _taken(self, run: str) -> int:
        """Bytes that a run says it has at its peak."""
        return int((self._services.store.last_metrics(run).get("memory_gb") or 0) * 1e9)
