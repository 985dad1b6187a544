"""Which learning rate fits a model and a method, and what the form does with one that does not.

A rate goes with the model it was tried on: the small one in the box takes twenty times what SmolLM2 takes.
"""

from collections.abc import Iterator

from playground.config.presets import PRESETS, ready, ready_names
from playground.config.run import ModelRef, RunConfig, RunRef
from playground.errors import RunError
from playground.runs.store import RunStore

TOO_HIGH = 4.0
"""Times the highest rate that was tried on a model; from there on the form warns."""
BUNDLED = "tiny"
"""The general starting points are for larger models than this one."""


def root_of(store: RunStore, ref: ModelRef) -> str:
    """The model that a chain of runs stands on; "" where a run of the chain is gone."""
    seen: set[str] = set()
    while isinstance(ref, RunRef):
        if ref.run in seen:
            return ""
        seen.add(ref.run)
        try:
            below = store.get(ref.run).document.get("model")
        except RunError:
            return ""
        ref = RunRef(str(below.get("run"))) if isinstance(below, dict) else str(below or "")
    return ref


def tried(config: RunConfig, root: str) -> list[float]:
    """Rates that fit a config, the usual one first: of the ready runs of its method and kind of adapter on this model,
    else of the starting points for any model. Empty where nothing was tried.

    >>> tried(ready("tiny-dpo"), "smollm2-135m-instruct"), tried(ready("tiny-dpo"), "gpt2")
    ([0.0005], [0.0002, 0.0001])
    """
    runs = [one for one in map(ready, ready_names()) if one.adapter.kind == config.adapter.kind]
    own = [one.training.learning_rate for one in runs if (one.method, one.model) == (config.method, root)]
    return own or ([] if root == BUNDLED else list(_general(config)))


def fitting(config: RunConfig, root: str) -> float | None:
    """The rate to show after another model or method was chosen; None where what stands there may stay.

    A rate that a ready run brought for another model goes; one that a person typed, or a preset brought, stays.
    """
    rate, rates = config.training.learning_rate, tried(config, root)
    if not rates or rate in rates:
        return None
    brought = {one.training.learning_rate for one in map(ready, ready_names())}
    return rates[0] if rate in brought else None


def excess(config: RunConfig, root: str) -> dict[str, float] | None:
    """Where a config's rate is far above what was tried: `{rate, usual, times}`, else None."""
    rate, rates = config.training.learning_rate, tried(config, root)
    if not rates or rate <= TOO_HIGH * max(rates):
        return None
    return {"rate": rate, "usual": max(rates), "times": round(rate / max(rates))}


def _general(config: RunConfig) -> Iterator[float]:
    """Rates of the presets of a method and kind of adapter, which are for any model."""
    for preset in PRESETS:
        rate = preset.values["training"].get("learning_rate")
        if rate and config.method in preset.methods and preset.values["adapter"]["kind"] == config.adapter.kind:
            yield float(rate)
