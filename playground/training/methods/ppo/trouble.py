"""Says in words when a run goes where runs go wrong, and what to try."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from playground.config.methods.ppo import PPOSettings

SPAN = 5
"""Updates whose mean is compared with that of the first ones."""
FAR = 10.0
"""Nats of divergence of an answer from the reference: by then texts tend to be made for the reward and not for people
(Gao et al. 2023, arXiv:2210.10760, lose what they gain at about this)."""
COLLAPSED = 0.3
"""Share of the first lengths that counts as a collapse."""


class Warned(NamedTuple):
    """A warning that is due."""

    key: str
    """Of `config.warnings`."""
    values: dict[str, str]
    """What stands at its places, but for the step."""


@dataclass
class Trouble:
    """What a run has been like so far; each kind of trouble is told once."""

    scores: list[float] = field(default_factory=list)
    divergences: list[float] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def after(self, values: Mapping[str, float], settings: PPOSettings, beta: float) -> list[Warned]:
        """Takes the metrics of an update and gives the warnings that are due."""
        self.scores.append(values["objective/scores"])
        self.divergences.append(values["objective/kl"])
        self.lengths.append(values["length"])
        if len(self.scores) < 2 * SPAN:
            return []
        due = [found for found in self._found(settings, beta) if found.key not in self.told]
        self.told += [found.key for found in due]
        # Only the first updates and the last ones are ever looked at.
        for kept in (self.scores, self.divergences, self.lengths):
            del kept[SPAN : len(kept) - SPAN]
        return due

    def state(self) -> dict[str, Any]:
        """As JSON values, for a checkpoint."""
        return asdict(self)

    def _found(self, settings: PPOSettings, beta: float) -> Iterator[Warned]:
        said = {"section": settings.section, "beta": f"{beta:.3g}"}
        first, now = _ends(self.scores)
        _, divergence = _ends(self.divergences)
        if divergence > max(FAR, 2 * (settings.beta_target or 0)) and now > first:
            numbers = {"before": f"{first:.3g}", "now": f"{now:.3g}", "divergence": f"{divergence:.3g}"}
            yield Warned("reward_runs_away", said | numbers)
        before, length = _ends(self.lengths)
        if length < COLLAPSED * before:
            yield Warned("answers_collapse", said | {"before": f"{before:.3g}", "now": f"{length:.3g}"})


def _ends(values: list[float]) -> tuple[float, float]:
    """Means of the first and of the last values."""
    return sum(values[:SPAN]) / SPAN, sum(values[-SPAN:]) / SPAN
