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
    methods: tuple[str, ...]
    """What it is for."""
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
        ("sft",),
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
        ("sft",),
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
        "prompt-tuning",
        "Prompt tuning",
        "16 virtual tokens before every text, and nothing else learns: less than a ten-thousandth of the weights, 60 "
        "steps of 8 short rows. For labels choose the template classification.",
        ("sft",),
        {
            "adapter": {
                "kind": "prompt_tuning",
                "num_virtual_tokens": 16,
                "prompt_tuning_init_text": "Classify if the text is positive or negative:",
            },
            "training": {
                "max_steps": 60,
                "batch_size": 8,
                "gradient_accumulation": 1,
                "learning_rate": 0.05,
                "schedule": "linear",
                "max_length": 128,
                "eval_steps": 10,
                "sample_tokens": 8,
            },
        },
    ),
    Preset(
        "prompt-tuning-course",
        "Prompt tuning, course values",
        "The course notes' prompt: 8 virtual tokens that start as an instruction, rate 0.03, 50 passes in batches of "
        "8. Hours on a CPU; meant for a GPU.",
        ("sft",),
        {
            "adapter": {
                "kind": "prompt_tuning",
                "num_virtual_tokens": 8,
                "prompt_tuning_init_text": "Classify if the tweet is a complaint or not:",
            },
            # Rate, passes and batch are those of peft's guide on prompt tuning, which the notes follow.
            "training": {
                "max_steps": None,
                "epochs": 50.0,
                "batch_size": 8,
                "gradient_accumulation": 1,
                "learning_rate": 0.03,
                "schedule": "linear",
                "max_length": 64,
            },
        },
    ),
    Preset(
        "reward-quick-look",
        "Quick look",
        "60 steps of 4 pairs with LoRA and a new head: tone is told apart within minutes on a laptop for a 135M model.",
        ("reward",),
        {
            "adapter": LORA | {"rank": 8, "dropout": 0.05},
            "training": {
                "max_steps": 60,
                "batch_size": 4,
                "gradient_accumulation": 1,
                "learning_rate": 3e-4,
                "schedule": "linear",
                "warmup_steps": 5,
                "max_length": 256,
                "eval_steps": 20,
            },
            "reward": {"center_rewards_coefficient": 0.01},
        },
    ),
    Preset(
        "reward-course",
        "Course values",
        "The course notes' run: LoRA of rank 8, 3 passes in batches of 3 pairs, gathered over 8, at a rate of 1.41e-5. "
        "Hours on a CPU; meant for a GPU.",
        ("reward",),
        {
            "adapter": LORA | {"rank": 8},
            "training": {
                "max_steps": None,
                "epochs": 3.0,
                "batch_size": 3,
                "gradient_accumulation": 8,
                "learning_rate": 1.41e-5,
                "schedule": "linear",
                "warmup_steps": 0.0,
                "max_length": 512,
            },
            "reward": {"center_rewards_coefficient": 0.0},
        },
    ),
    Preset(
        "dpo-quick-look",
        "Quick look",
        "40 steps of 4 pairs with LoRA: a few minutes on a laptop for a 135M model, and the margin opens.",
        ("dpo",),
        {
            "adapter": LORA | {"dropout": 0.0},
            "training": {
                "max_steps": 40,
                "batch_size": 4,
                "gradient_accumulation": 1,
                "learning_rate": 2e-4,
                "schedule": "linear",
                "warmup_steps": 2,
                "max_length": 512,
                "eval_steps": 10,
                "eval_rows": 16,
                "sample_steps": 20,
            },
            "dpo": {"beta": 0.1, "loss": "sigmoid", "label_smoothing": 0.0, "nll": 0.0},
        },
    ),
    Preset(
        "dpo-course",
        "Course values",
        "The course notes' run: LoRA of rank 4, β 0.1, 5 passes over single pairs. Hours on a CPU; meant for a GPU.",
        ("dpo",),
        {
            "adapter": LORA | {"rank": 4, "alpha": 8},
            "training": {
                "max_steps": None,
                "epochs": 5.0,
                "batch_size": 1,
                "gradient_accumulation": 1,
                "learning_rate": 1e-4,
                "schedule": "linear",
                "warmup_steps": 2,
                "max_length": 512,
            },
            "dpo": {"beta": 0.1, "loss": "sigmoid", "label_smoothing": 0.0, "nll": 0.0},
        },
    ),
    Preset(
        "ppo-quick-look",
        "Quick look",
        "20 updates of 16 answers with LoRA: a few minutes on a laptop for a 135M model, and the reward rises.",
        ("ppo",),
        {
            "adapter": LORA | {"dropout": 0.0},
            "training": {
                "max_steps": 20,
                "batch_size": 8,
                "gradient_accumulation": 1,
                "learning_rate": 5e-4,
                "schedule": "linear",
                "eval_steps": 10,
                "eval_rows": 16,
                "sample_steps": 10,
            },
            "ppo": {"rollouts": 16, "max_new_tokens": 24, "update_epochs": 2, "beta": 0.05, "beta_target": None},
        },
    ),
    Preset(
        "ppo-course",
        "Course values",
        "The course notes' run, with what its library added: every weight at a rate of 1.41e-5, 128 answers to "
        "openings of 2 to 7 tokens, β adapted to 6 nats. Hours on a CPU; meant for a GPU.",
        ("ppo",),
        {
            "adapter": {"kind": "none"},
            "training": {
                "max_steps": None,
                "epochs": 1.0,
                "batch_size": 16,
                "gradient_accumulation": 1,
                "learning_rate": 1.41e-5,
                "schedule": "constant",
            },
            # Beside the rate, the lengths and the cuts, the notes leave all to the defaults of trl 0.7's PPOConfig.
            "ppo": {
                "rollouts": 128,
                "max_new_tokens": 20,
                "prompt_min_tokens": 2,
                "prompt_max_tokens": 7,
                "temperature": 1.0,
                "top_k": 0,
                "top_p": 1.0,
                "kl": "k1_reward",
                "beta": 0.2,
                "beta_target": 6.0,
                "beta_horizon": 10000,
                "update_epochs": 4,
                "clip_range": 0.2,
                "value_clip_range": 0.2,
                "value_coefficient": 0.1,
                "gamma": 1.0,
                "gae_lambda": 0.95,
            },
        },
    ),
    Preset(
        "full-fine-tuning",
        "Full fine-tuning",
        "Trains every weight instead of an adapter, at a tenth of LoRA's learning rate: "
        "about four times the memory of the model.",
        ("sft", "dpo"),
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
