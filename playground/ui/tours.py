"""The tours of an app's visitors, each led stage by stage through the queue that everybody uses."""

from typing import TYPE_CHECKING, Literal

from playground.errors import RunError
from playground.jobs import chain
from playground.tour import journey
from playground.tour.journey import Tour
from playground.tour.plan import plan_for
from playground.ui.identity import Person
from playground.ui.leading import Leader

if TYPE_CHECKING:
    from playground.ui.services import Services

Standing = Literal["none", "going", "paused", "done", "stopped", "failed"]
"""`paused`: nobody leads it any more, for the app was started anew; it goes on when its person says so."""
STOPPED = "You stopped the tour."


class Tours:
    """One per app. A person has at most one tour at a time."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._leader: Leader[Tour] = Leader(services, lambda tour: journey.save(tour, services.store), "tour")

    def begin(self, known: Person, model: str) -> None:
        """Begins a tour with its first stage.

        Raises:
            ConfigError: there is no tour with this model.
            Busy: the person's last tour goes on, or they have as many jobs as one person may have.
            RunError: the person may not start what the tour starts, or it cannot be started.
        """
        plan_for(model)
        self._leader.lead(known.owner, Tour(known.owner, model), known)

    def go_on(self, known: Person) -> None:
        """Goes on with the person's last tour, from its first stage that is not done.

        Raises:
            RunError: there is none, or it is done; or as for `begin`.
            Busy: as for `begin`.
        """
        last = journey.saved(known.owner, self._services.store)
        if last is None or last.state == "done":
            raise RunError("There is no tour to go on with; begin a new one.")
        self._leader.lead(known.owner, chain.again(last, self._services.store), known)

    def stop(self, known: Person) -> None:
        """Ends the person's tour; the stage under way stops at its next step and keeps what it has learnt.

        Raises:
            RunError: the person has no tour that goes on.
        """
        self._leader.stop(known.owner, STOPPED)

    def standing(self, owner: str) -> tuple[Standing, Tour | None, str]:
        """How a person's tour stands, the tour, and why it has to wait; waits for nobody."""
        led = self._leader.led(owner)
        if led is not None:
            return "going", led.chain, led.waits
        last = journey.saved(owner, self._services.store)
        if last is None:
            return "none", None, ""
        return "paused" if last.state == "going" else last.state, last, ""

    def stop_all(self, reason: str) -> None:
        """Ends everybody's tour."""
        self._leader.stop_all(reason)

    def close(self) -> None:
        """Leads no tour any more; they can go on when the app is back."""
        self._leader.close()
