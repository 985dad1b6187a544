"""What a judge is: it looks at everybody's answers once they are all there, and gives one entry of the result."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from playground.evaluation.answers import Answered
from playground.runs.context import JobContext


class Verdict(NamedTuple):
    """What a judge says."""

    report: Mapping[str, Any]
    """Its entry under `judges` in the result, as JSON values; `kind` says what the rest of it is."""
    rows: Sequence[Mapping[str, Any]]
    """For each row what it says of the answers, by the models' ids: a score, or whatever its page can show."""


Judge = Callable[[Answered, JobContext], Verdict]
"""Loads what it needs, emits `Progress("judging", done, total)`, and leaves by `Cancelled` where the job is to stop."""
