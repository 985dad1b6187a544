"""From a settings document to a job in the store: checked whole before anything is kept."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from playground.config import codec
from playground.config.evaluation import EvaluationSettings
from playground.config.run import ModelRef, RunRef
from playground.config.trackers import check_installed
from playground.models.lineage import check_start
from playground.models.targets import check_targets_early
from playground.runs.records import JobKind
from playground.runs.store import RunStore

EVALUATION = "evaluation"
"""What stands for the method of an evaluation."""


def submit(store: RunStore, kind: JobKind, document: Mapping[str, Any], *, owner: str = "", name: str = "") -> str:
    """Keeps a queued job with every setting written out, and gives its id.

    Args:
        document: A run's config as JSON values, or the fields of `EvaluationSettings`.
        owner: Who may stop it; empty for the host.
        name: For people; empty makes one.

    Raises:
        ConfigError: with every problem in the document; or the tracker to report to is not installed.
        RunError: the run to evaluate does not exist.
        ModelError: an adapter is to go where the model has no module, or the run to start from cannot be merged.
    """
    if kind == "evaluation":
        settings = codec.decode_section(EvaluationSettings, document)
        evaluated = store.get(settings.run)
        title = evaluated.name or evaluated.id
        if others := len(settings.others):
            title += f" and {others} other{'s' if others > 1 else ''}"
        return store.create(
            kind,
            codec.encode_section(settings),
            method=EVALUATION,
            model=settings.run,
            name=name or f"{title} on {settings.split}",
            owner=owner,
        )
    config = codec.decode(document)
    check_installed(config.training.report_to)
    check_start(config.model)
    check_targets_early(config)
    model = in_words(config.model)
    made_up = f"{config.method} · {PurePath(model).name} · {PurePath(config.data.source).stem}"
    return store.create(
        kind,
        codec.encode(config),
        method=config.method,
        model=model,
        name=name or config.name or made_up,
        owner=owner,
    )


def in_words(model: ModelRef) -> str:
    """A model as people name it: its reference, or "run ID" for what an earlier run left behind."""
    return f"run {model.run}" if isinstance(model, RunRef) else model
