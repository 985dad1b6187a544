"""What can go wrong, in words a person can act on.

Every error that reaches a person is a `PlaygroundError`. Its text says what is wrong, what is needed, what was
given and what to do; it is shown as it is by the UI, the CLI and the API. Anything else that escapes is a defect
of ours, is logged with its traceback and shown as such.
"""

from collections.abc import Sequence


class PlaygroundError(Exception):
    """Base of all errors meant for a person; `str(error)` is the sentence they read."""

    def __str__(self) -> str:
        """It can be sent and kept whatever was given: half a surrogate pair stands in it as its escape."""
        return super().__str__().encode(errors="backslashreplace").decode()


class ConfigError(PlaygroundError):
    """A setting is missing, unknown or out of range; carries every problem found, not only the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class DataError(PlaygroundError):
    """A data set cannot be read or does not have what the run needs; names row and column where there is one."""


class ModelError(PlaygroundError):
    """A model cannot be found, fetched, or used for what was asked."""


class ModelUnavailable(ModelError):
    """The model may exist but cannot be had now: no network, a gated repository, a download that broke off."""


class OutOfMemory(PlaygroundError):
    """More memory was needed than there is; says what was asked, what there is and what to lower."""


class RunError(PlaygroundError):
    """A run failed, is unknown, or is not in a phase in which the request makes sense."""


class NotAllowed(PlaygroundError):
    """The person asking does not own the run, or the request is for the host only."""


class Busy(PlaygroundError):
    """The thing asked for is in use; says by whom and when to try again."""


class Cancelled(PlaygroundError):
    """The person asked to stop. Not a failure; raised to leave deep work early."""
