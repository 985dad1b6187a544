"""One file per method with the settings that are its own. A new one is a file here and a line in `METHODS`."""

from playground.config.methods.dpo import DPOSettings
from playground.config.methods.grpo import GRPOSettings
from playground.config.methods.kto import KTOSettings
from playground.config.methods.orpo import ORPOSettings
from playground.config.methods.ppo import PPOSettings
from playground.config.methods.reward import RewardModelSettings
from playground.config.methods.rloo import RLOOSettings
from playground.config.methods.sft import SFTSettings
from playground.config.settings import Settings

METHODS: dict[str, type[Settings]] = {
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
