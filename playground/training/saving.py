"""What a run leaves on disk: an adapter or a whole model, and never half of one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import PeftModel, PromptTuningConfig
from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from playground.config.run import ModelRef, RunRef
from playground.errors import RunError
from playground.models import catalogue
from playground.models.lineage import title_of
from playground.runs import steps
from playground.runs.context import JobContext

ADAPTER = "adapter"
MODEL = "model"


def public_name(ref: ModelRef) -> str:
    """How a model is named to the world: its Hub id where it has one, and never a folder of this machine."""
    if isinstance(ref, RunRef):
        return f"run-{ref.run}"
    entry = catalogue.find(ref)
    return entry.hub_id or entry.name if entry else title_of(ref)


def name_base(model: PeftModel, ref: ModelRef) -> None:
    """Makes what is saved of `model`, its model card included, name its base as `public_name` does."""
    name = public_name(ref)
    for settings in model.peft_config.values():
        settings.base_model_name_or_path = name
        if isinstance(settings, PromptTuningConfig) and settings.prompt_tuning_init_text:
            settings.tokenizer_name_or_path = name
    base = model.get_base_model()
    base.name_or_path = base.config.name_or_path = name


def save_result(model: PeftModel | PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Path:
    """Writes `folder`/adapter, or `folder`/model with its tokenizer where every weight was trained.

    Raises:
        RunError: a trained weight is not a finite number.
    """
    check_finite(model)
    adapter = isinstance(model, PeftModel)
    target = folder / (ADAPTER if adapter else MODEL)
    with replacing(target) as partial:
        save_weights(model, partial)
        if not adapter:
            tokenizer.save_pretrained(partial)
    return target


def save_weights(model: PeftModel | PreTrainedModel, folder: Path) -> None:
    """Writes the adapter alone, or every weight, as safetensors."""
    if isinstance(model, PeftModel):
        # "auto" would ask the Hub whether the vocabulary has grown; ours never does.
        model.save_pretrained(str(folder), save_embedding_layers=False)
        return
    # Training turns the cache off in the config; a saved model should generate with it.
    model.config.use_cache = True
    with _without_bars():
        model.save_pretrained(folder)
    model.config.use_cache = False


def keep_step(model: torch.nn.Module, step: int, context: JobContext) -> None:
    """Keeps the adapter of a saved step for the whole way of the run; nothing where every weight is trained."""
    if not isinstance(model, PeftModel):
        return
    try:
        with steps.writing(context.folder, step) as folder:
            save_weights(model, folder)
            (folder / "README.md").unlink(missing_ok=True)  # peft's card, which stands beside the last adapter
    except (OSError, RuntimeError, SafetensorError) as error:
        context.warn("adapter_not_kept", step=step, problem=error)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `target` only when everything is written."""
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


@contextmanager
def _without_bars() -> Iterator[None]:
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def check_finite(model: torch.nn.Module) -> None:
    """Raises where a trained weight is NaN or infinite: nothing could be generated with it."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and not torch.isfinite(parameter).all():
            raise RunError(
                f"The weights stopped being finite numbers in the last step (first seen in {name}), so nothing was "
                "saved; lower training.learning_rate, or set training.max_grad_norm to 1."
            )
