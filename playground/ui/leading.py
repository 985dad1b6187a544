"""Leads chains of jobs for the visitors of an app: one thread, stage by stage, through everybody's queue."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from playground.errors import Busy, PlaygroundError, RunError
from playground.jobs import chain
from playground.jobs.chain import Chain
from playground.runs.database import StoreUnavailable
from playground.runs.records import JobKind
from playground.ui.identity import Person
from playground.ui.launching import launch, launch_evaluation

if TYPE_CHECKING:
    from playground.ui.services import Services

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
C = TypeVar("C", bound=Chain)


class Led(NamedTuple, Generic[C]):
    """A chain that goes on, and whose rights its jobs have."""

    chain: C
    person: Person
    waits: str = ""
    """Why its next stage cannot be begun yet; empty where nothing holds it up."""


class Leader(Generic[C]):
    """Leads chains of one kind; each has a key, and at most one of a key goes on at a time."""

    def __init__(self, services: "Services", save: Callable[[C], None], what: str) -> None:
        """`save` keeps a chain on disk; `what` is what such a chain is called in sentences, as "tour"."""
        self._services = services
        self._save = save
        self._what = what
        self._led: dict[str, Led[C]] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def lead(self, key: str, begun: C, known: Person) -> None:
        """Begins the chain's next stage, and leads it from then on.

        Raises:
            RunError: the stage cannot be begun, in a sentence; or the app is closing.
            Busy: a chain of this key goes on, or the person has as many jobs as one person may have.
        """
        with self._changed:
            if self._closing:
                raise RunError(f"The app is closing; begin the {self._what} once it is back.")
            if key in self._led:
                raise Busy(f"Your {self._what} goes on already; stop it before you begin another one.")
            found = chain.advance(begun, self._services.store, self._launcher(known))
            if found.state == "failed":
                raise RunError(found.reason)
            self._save(found)
            if found.state != "going":  # each of its stages was done already
                return
            self._led[key] = Led(found, known)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=self._what, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def led(self, key: str) -> Led[C] | None:
        """The chain that goes on under a key; None where none does. Waits for nobody."""
        return self._led.get(key)

    def stop(self, key: str, reason: str) -> None:
        """Ends a chain; the stage under way stops at its next step and keeps what it has learnt.

        Raises:
            RunError: no chain of this key goes on.
        """
        with self._changed:
            led = self._led.pop(key, None)
        if led is None:
            raise RunError(f"There is no {self._what} to stop; it has ended.")
        self._save(led.chain.ended("stopped", reason))
        job = list(led.chain.jobs.values())[-1]
        try:
            self._services.jobs.stop(job)
        except RunError as error:  # it has just ended
            logger.info("%s", error)

    def stop_all(self, reason: str) -> None:
        """Ends every chain; the stages under way stop at their next step."""
        for key in list(self._led):
            try:
                self.stop(key, reason)
            except RunError as error:  # it has just ended
                logger.info("%s", error)

    def close(self) -> None:
        """Leads nothing any more; chains can go on when the app is back."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _launcher(self, known: Person) -> chain.Launch:
        def begin(kind: JobKind, document: dict[str, Any]) -> str:
            start = launch_evaluation if kind == "evaluation" else launch
            return start(self._services, document, known)

        return begin

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._closing and not self._led:
                    self._changed.wait()
                if self._closing:
                    return
                keys = list(self._led)
            for key in keys:
                self._advance(key)
            with self._changed:
                self._changed.wait_for(lambda: self._closing, POLL_SECONDS)

    def _advance(self, key: str) -> None:
        """Looks after one chain; one that was stopped meanwhile stays stopped."""
        with self._changed:
            led = self._led.get(key)
            if led is None:
                return
            try:
                found, waits = chain.advance(led.chain, self._services.store, self._launcher(led.person)), ""
                if found is not led.chain:
                    self._save(found)
            except (Busy, StoreUnavailable) as error:
                found, waits = led.chain, str(error)
            except PlaygroundError as error:  # the file cannot be kept: nobody could find the chain again
                found, waits = led.chain.ended("failed", str(error)), ""
            except Exception:  # the boundary: one chain's trouble is not that of the others
                logger.exception("The %s %s could not be led on.", self._what, key)
                found, waits = led.chain.ended("failed", "An unexpected error; the app's log has its details."), ""
            if found.state == "going":
                self._led[key] = Led(found, led.person, waits)
            else:
                del self._led[key]
