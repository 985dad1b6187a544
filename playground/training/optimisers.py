"""The optimisers of a config for a trainer of our own, with the settings that transformers gives them."""

from typing import Any

import torch
from transformers import TrainingArguments
from transformers.optimization import Adafactor


def optimiser_of(arguments: TrainingArguments) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """Class and settings of `arguments.optim`, weight decay included; as `Trainer.get_optimizer_cls_and_kwargs`, whose
    module brings datasets and pandas along."""
    adam = {"betas": (arguments.adam_beta1, arguments.adam_beta2), "eps": arguments.adam_epsilon}
    kinds: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
        "adamw_torch": (torch.optim.AdamW, adam),
        "adamw_torch_fused": (torch.optim.AdamW, {**adam, "fused": True}),
        "adafactor": (Adafactor, {"scale_parameter": False, "relative_step": False}),
        "sgd": (torch.optim.SGD, {}),
    }
    kind, options = kinds[arguments.optim]
    return kind, {"lr": arguments.learning_rate, "weight_decay": arguments.weight_decay, **options}
