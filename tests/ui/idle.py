"""A queue that takes jobs and does none: they stay in the store to be looked at."""

from typing import Any

from playground.ui.services import Services


class IdleQueue:
    """What tabs need of a `JobManager`."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def submit(self, kind: Any, document: Any, owner: str = "", name: str = "", **_: object) -> str:
        from playground.jobs.submission import submit

        return submit(self.services.store, kind, document, owner=owner, name=name)

    def stop(self, job: str) -> int:
        return self.services.store.request_stop(job)

    def places(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """Nothing to end."""
