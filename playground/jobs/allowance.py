"""How long a participant's job may take at a time, so that nobody holds the machine for hours."""

import time
from collections.abc import Callable

Minutes = Callable[[], float]
"""What the rules allow at the moment; asked anew while the job goes on."""
GRACE_SECONDS = 120.0
"""Once asked to stop, a job has this long to come to its next step and save; then it is killed."""


class Allowance:
    """Counts the time of one job from its start; without minutes there is no end to it."""

    def __init__(self, minutes: Minutes | None) -> None:
        self._minutes = minutes
        self._begun = time.monotonic()

    @property
    def used_up(self) -> bool:
        """Whether the job is to stop."""
        return self._over() >= 0

    @property
    def overdrawn(self) -> bool:
        """Whether it has not stopped either."""
        return self._over() >= GRACE_SECONDS

    @property
    def sentence(self) -> str:
        """Why it has to stop."""
        return (
            f"A participant's job may take {self._allowed():g} minutes at a time here, and this one has had them; ask "
            "the host for more in the Room tab."
        )

    @property
    def killed(self) -> str:
        """Why it was killed, to be followed by where it was."""
        return f"It took no step in which to stop after the {self._allowed():g} minutes it had here, so it was killed"

    def _over(self) -> float:
        """Seconds beyond what is allowed; below 0 within it."""
        return time.monotonic() - self._begun - 60 * self._allowed()

    def _allowed(self) -> float:
        return float("inf") if self._minutes is None else self._minutes()
