"""One file per method with the settings that are its own, and what the app must know of it. A new one is a file here, a
line in `METHODS`, and its trainer in the file of the same name in `playground/training/methods/`."""

from playground.config.methods.dpo import DPOSettings
from playground.config.methods.grpo import GRPOSettings
from playground.config.methods.kto import KTOSettings
from playground.config.methods.method import MethodSettings
from playground.config.methods.orpo import ORPOSettings
from playground.config.methods.ppo import PPOSettings
from playground.config.methods.reward import RewardModelSettings
from playground.config.methods.rloo import RLOOSettings
from playground.config.methods.sft import SFTSettings

METHODS: dict[str, type[MethodSettings]] = {
    "sft": SFTSettings,
    "reward": RewardModelSettings,
    "ppo": PPOSettings,
    "grpo": GRPOSettings,
    "rloo": RLOOSettings,
    "dpo": DPOSettings,
    "kto": KTOSettings,
    "orpo": ORPOSettings,
}
"""Method name to the class of its own settings; they stand in a run's JSON under the method's name."""
PAIRED = tuple(name for name, settings in METHODS.items() if settings.paired)
"""Methods that need a preferred answer beside a rejected one."""
SCORING = tuple(name for name, settings in METHODS.items() if settings.scores)
"""Methods whose runs leave a model that gives scores and writes no text."""
