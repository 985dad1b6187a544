"""Supervised fine-tuning: TRL's `SFTTrainer` on rows that we have tokenised ourselves."""

from typing import Any, cast

from safetensors import SafetensorError
from trl import SFTConfig, SFTTrainer

from playground.config.run import RunConfig, SFTSettings
from playground.data.splits import Splits, prepare
from playground.errors import ModelError
from playground.models.adapters import attach_lora
from playground.models.devices import choose_device
from playground.models.loading import LoadedModel, load
from playground.runs import checkpoints
from playground.runs.context import JobContext
from playground.training import continuation
from playground.training.arguments import trainer_arguments
from playground.training.callbacks import Reporter
from playground.training.outcome import Outcome
from playground.training.precision import choose_precision
from playground.training.rows import Encoding, Rows
from playground.training.samples import samplers
from playground.training.saving import name_base, save_result
from playground.training.stopwatch import Stopwatch
from playground.training.tracking import tracker_arguments
from playground.training.trainer import WatchedTrainer


class WatchedSFTTrainer(WatchedTrainer, SFTTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer with our watch on it."""


def train(config: RunConfig, context: JobContext) -> Outcome:
    """Fine-tunes `config.model` on its data and leaves `adapter` or `model` in the run's folder.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    device = choose_device("auto")
    precision = choose_precision(config.training, config.adapter, device)
    splits = prepare(config.data, context.emit)
    context.check()
    loaded = load(config.model, dtype=precision.weights, device=str(device), report=context.emit, stop=context.stop)
    rows = _rows(splits, loaded, config, context)
    fingerprint = continuation.fingerprint(rows)
    start = continuation.find(fingerprint, context)
    arguments = trainer_arguments(
        config.training,
        precision,
        device.type,
        context.folder / checkpoints.FOLDER,
        evaluates=rows.held_out is not None,
        evaluates_first=start is None or start.lacks_evaluation(config.training.eval_steps),
    )
    watch = Stopwatch()
    reporter = Reporter(context, watch, start.carried.tokens if start else 0)
    trainer = WatchedSFTTrainer(
        model=_trainable(loaded, config, context),
        args=_sft_config(arguments | tracker_arguments(config, context)),
        train_dataset=rows.train,
        eval_dataset=rows.held_out,
        processing_class=loaded.tokenizer,
        callbacks=[reporter, *samplers(config, splits, loaded, context, watch)],
        watch=watch,
        context=context,
        rows=fingerprint,
    )
    context.check()
    trainer.train_from(start)
    save_result(trainer.model, loaded.tokenizer, context.folder)
    state = trainer.state
    stopped = state.global_step < state.max_steps
    if stopped:
        _save_stop(trainer, context)
    return Outcome(state.global_step, reporter.metrics, stopped)


def _save_stop(trainer: WatchedSFTTrainer, context: JobContext) -> None:
    """A checkpoint to resume from; what was learnt is saved by then, so that a full disk costs only this."""
    try:
        trainer.save_stop()
    except (OSError, RuntimeError, SafetensorError) as error:
        context.log(f"The checkpoint of step {trainer.state.global_step} could not be saved: {error}", "warning")


def _rows(splits: Splits, loaded: LoadedModel, config: RunConfig, context: JobContext) -> Rows:
    wanted, possible = config.training.max_length, loaded.info.context_length
    if wanted > possible:
        context.log(f"training.max_length {wanted} is more than {loaded.info.title} reads; {possible} is used.")
    loss_on = cast("SFTSettings", config.options).loss_on
    encoding = Encoding(config.data.template_text, loaded.tokenizer, min(wanted, possible), loss_on)
    rows = encoding.rows(splits, config.training.eval_rows, context)
    if rows.held_out is None and config.training.eval_steps:
        context.log("There are no held-out rows, so no validation loss; data.split gives them a share.", "warning")
    return rows


def _sft_config(arguments: dict[str, Any]) -> SFTConfig:
    # The rows bring their labels and are cut already, so there is nothing left for TRL to prepare.
    args = SFTConfig(**arguments, max_length=None, dataset_kwargs={"skip_prepare_dataset": True})
    # TRL refuses several visible GPUs in one process; a run uses one.
    args._n_gpu = min(args.n_gpu, 1)
    return args


def _trainable(loaded: LoadedModel, config: RunConfig, context: JobContext) -> Any:
    """The model with what is trained set free and all else frozen."""
    model = loaded.model
    if config.adapter.kind == "lora":
        if "lm_head" in (config.adapter.targets or ()):
            # TRL computes the loss from the output layer's own weight, so an adapter on it would never learn.
            raise ModelError("adapter.targets cannot contain lm_head for SFT; take it out, or train every weight.")
        model = attach_lora(model, config.adapter, config.training.seed)
        name_base(model, config.model)
    else:
        model.requires_grad_(True)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    context.log(
        f"{trained:,} of {loaded.info.parameters:,} parameters of {loaded.info.title} are trained "
        f"on {loaded.info.device}; the weights are kept in {loaded.info.dtype}."
    )
    return model
