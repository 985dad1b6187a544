"""How much an adapter counts where it is used; not a setting of a run, which is always trained at strength 1."""

import math

from playground.errors import ConfigError

STRONGEST = 1.5


def check_strength(strength: object) -> float:
    """A number from 0, where nothing is left of the adapter, over 1, as it was trained, to `STRONGEST`.

    Raises:
        ConfigError: it is not.
    """
    number = isinstance(strength, int | float) and not isinstance(strength, bool) and math.isfinite(strength)
    if not number or not 0 <= strength <= STRONGEST:  # type: ignore[operator]
        raise ConfigError([f"The adapter's strength must be a number from 0 to {STRONGEST}; got {strength!r}."])
    return float(strength)  # type: ignore[arg-type]
