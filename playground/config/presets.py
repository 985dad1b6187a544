"""Ready configs and presets: whole runs to start from, and named overlays for the Train form.

Ready configs are files, `assets/configs/<name>.json`, so that they can be read, copied and handed to the CLI as they
are. Presets change some settings and leave the rest, data and model included, as the person has them.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.config import codec
from playground.config.run import RunConfig
from playground.errors import ConfigError

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "configs"


@dataclass(frozen=True)
class Preset:
    """A named overlay."""

    name: str
    title: str
    help: str
    """A sentence on what it is for and what it costs."""
    values: Mapping[str, Mapping[str, Any]]
    """Section to its changed settings, as in a run's JSON."""

    def over(self, config: RunConfig) -> RunConfig:
        """The config with this preset's settings laid over it."""
        document = codec.encode(config)
        for section, values in self.values.items():
            document[section] |= values
        return codec.decode(document)


LORA = {"kind": "lora", "rank": 16, "alpha": 32, "dropout": 0.1, "targets": None}

PRESETS: tuple[Preset, ...] = (
    Preset(
        "quick-look",
        "Quick look",
        "40 steps of 4 rows with LoRA: one or two minutes on a laptop for a 135M model, and answers change visibly.",
        {
            "adapter": LORA,
            "training": {
                "max_steps": 40,
                "batch_size": 4,
                "gradient_accumulation": 1,
                "learning_rate": 5e-4,
                "schedule": "linear",
                "max_length": 512,
                "eval_steps": 10,
                "sample_steps": 10,
            },
        },
    ),
    Preset(
        "course",
        "Course values",
        "The course notes' run: LoRA of rank 16 on the attention's query and value, 10 passes in batches of 2. "
        "Hours on a CPU; meant for a GPU.",
        {
            "adapter": LORA,
            "training": {
                "max_steps": None,
                "epochs": 10.0,
                "batch_size": 2,
                "gradient_accumulation": 1,
                # The notes leave the rate to the trainer, whose default was 5e-5 (transformers' TrainingArguments).
                "learning_rate": 5e-5,
                "schedule": "linear",
                "max_length": 1024,
            },
        },
    ),
    Preset(
        "full-fine-tuning",
        "Full fine-tuning",
        "Trains every weight instead of an adapter, at a tenth of LoRA's learning rate: "
        "about four times the memory of the model.",
        {
            "adapter": {"kind": "none"},
            "training": {"learning_rate": 5e-5, "schedule": "linear", "warmup_steps": 0.05, "max_grad_norm": 1.0},
        },
    ),
)


def preset(name: str) -> Preset:
    """A preset by its name.

    Raises:
        ConfigError: there is none of this name.
    """
    found = next((item for item in PRESETS if item.name == name), None)
    if found is None:
        raise ConfigError([f"There is no preset {name!r}; known are {', '.join(item.name for item in PRESETS)}."])
    return found


def ready_names() -> tuple[str, ...]:
    """Names of the ready configs, in alphabetical order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "schema"))


def ready(name: str) -> RunConfig:
    """A ready config by its name.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in ready_names():
        raise ConfigError([f"There is no ready config {name!r}; known are {', '.join(ready_names())}."])
    return codec.decode(read(name))


def read(place: str) -> Any:
    """The JSON document of a config file, or of a ready config by its bare name. It is parsed but not yet decoded.

    Raises:
        ConfigError: there is no such file or ready config, or it is not JSON.
    """
    path = Path(place).expanduser()
    names = ready_names()
    if not path.is_file() and place.removesuffix(".json") in names:
        path = FOLDER / f"{place.removesuffix('.json')}.json"
    try:
        return codec.parse(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError([f"{place} is not a text file in UTF-8; a config is a JSON file."]) from None
    except OSError as error:
        close = difflib.get_close_matches(place, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"ready configs are {', '.join(names)}."
        reason = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise ConfigError([f"The config file {place} {reason}; {hint}"]) from None
    except ConfigError as error:
        raise ConfigError([f"{place}: {problem}" for problem in error.problems]) from None
