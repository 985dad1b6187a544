"""`TrainingSettings` in the words of transformers' `TrainingArguments`, for every method that trains with TRL."""

from pathlib import Path
from typing import Any

from playground.config.run import TrainingSettings
from playground.training.precision import Precision


def trainer_arguments(
    training: TrainingSettings,
    precision: Precision,
    device: str,
    folder: Path,
    *,
    evaluates: bool,
    evaluates_first: bool = True,
) -> dict[str, Any]:
    """Keyword arguments of a TRL config.

    Args:
        device: Type of the device the model is on.
        folder: Where checkpoints go.
        evaluates: Whether there are held-out rows.
        evaluates_first: Whether the validation loss is due before the next step.
    """
    evaluates = evaluates and training.eval_steps > 0
    return {
        "output_dir": str(folder),
        "max_steps": training.max_steps if training.max_steps is not None else -1,
        "num_train_epochs": training.epochs,
        "per_device_train_batch_size": training.batch_size,
        "per_device_eval_batch_size": training.batch_size,
        "gradient_accumulation_steps": training.gradient_accumulation,
        "learning_rate": training.learning_rate,
        "optim": training.optimizer,
        "lr_scheduler_type": training.schedule,
        "warmup_steps": training.warmup_steps,
        "weight_decay": training.weight_decay,
        "max_grad_norm": training.max_grad_norm,
        "bf16": precision.compute == "bfloat16",
        "fp16": precision.compute == "float16",
        "use_cpu": device == "cpu",
        "activation_checkpointing": training.gradient_checkpointing,
        "eval_strategy": "steps" if evaluates else "no",
        "eval_steps": training.eval_steps if evaluates else None,
        "eval_on_start": evaluates and evaluates_first,
        "save_strategy": "steps" if training.save_steps else "no",
        "save_steps": training.save_steps or 500,
        "logging_steps": training.log_steps,
        "logging_first_step": True,
        # A filtered curve would hide a loss that is not a number; the run ends there instead.
        "logging_nan_inf_filter": False,
        "seed": training.seed,
        "disable_tqdm": True,
        "report_to": training.report_to,
        # Pinned memory speeds up copies to a GPU; without one torch only warns.
        "dataloader_pin_memory": device == "cuda",
    }
