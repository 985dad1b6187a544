"""English texts of settings and presets, for labels and help in the page; translations stand beside them by hand.

`python -m playground.config.texts` brings `assets/i18n/en.json` in step with the docstrings; a test keeps it so.
"""

import inspect
import json
from pathlib import Path

from playground.config.beams import BeamSettings
from playground.config.codec import SECTIONS
from playground.config.evaluation import EvaluationSettings
from playground.config.generation import GenerationSettings
from playground.config.judging import JudgeSettings
from playground.config.methods import METHODS
from playground.config.presets import PRESETS
from playground.config.rewards import KINDS, Term
from playground.config.rollouts import RolloutSettings, SweepSettings
from playground.config.room import RoomSettings
from playground.config.run import RunConfig
from playground.config.settings import Settings, settings_of
from playground.config.warnings import WARNINGS

PATH = Path(__file__).resolve().parents[2] / "assets" / "i18n" / "en.json"
PREFIXES = ("setting.", "preset.", "warning.")
CLASSES: tuple[type[Settings], ...] = (
    RunConfig,
    *SECTIONS.values(),
    *METHODS.values(),
    GenerationSettings,
    EvaluationSettings,
    JudgeSettings,
    BeamSettings,
    RolloutSettings,
    SweepSettings,
    RoomSettings,
    Term,
    *KINDS.values(),
)


def texts() -> dict[str, str]:
    """`setting.<path>.label` and `.help` for every setting, `preset.<name>.label` and `.help` for every preset,
    `warning.<key>` for whatever runs warn of."""
    found: dict[str, str] = {}
    for cls in CLASSES:
        for item in settings_of(cls):
            found[f"setting.{item.path}.label"] = item.label
            # A section without a docstring of its own is explained by its class.
            found[f"setting.{item.path}.help"] = item.help or inspect.cleandoc(type(item.default).__doc__ or "")
    for preset in PRESETS:
        found[f"preset.{preset.name}.label"] = preset.title
        found[f"preset.{preset.name}.help"] = preset.help
    return found | {f"warning.{key}": text for key, text in WARNINGS.items()}


def in_step(written: dict[str, str]) -> dict[str, str]:
    """The texts of `en.json` with those of settings and presets as they are now; others stay as they are."""
    others = {key: text for key, text in written.items() if not key.startswith(PREFIXES)}
    return others | texts()


def dumps(found: dict[str, str]) -> str:
    """A language file's text: one key a line, sorted, so that changes merge."""
    return json.dumps(found, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    PATH.write_text(dumps(in_step(json.loads(PATH.read_text(encoding="utf-8")))), encoding="utf-8")
