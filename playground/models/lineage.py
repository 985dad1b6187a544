"""Which weights a model is made of: its base, and the adapters of the runs that lie on it. Light: no torch."""

from dataclasses import dataclass
from pathlib import Path

from playground.config.codec import decode, parse
from playground.config.methods import SCORING
from playground.config.run import SOFT_PROMPTS, ModelRef, RunConfig, RunRef
from playground.errors import ModelError
from playground.models import catalogue
from playground.models.folder import ADAPTER_CONFIG, CONFIG
from playground.runs.home import runs_folder


@dataclass(frozen=True)
class Lineage:
    """How a model came to be."""

    base: str
    """What the chain of runs stands on: a catalogue name, a Hub id or a folder; empty where `weights` is whole."""
    adapters: tuple[Path, ...] = ()
    """Folders of adapters, to be merged in this order."""
    weights: Path | None = None
    """A folder of whole weights, where a run of the chain trained every one of them."""
    runs: tuple[str, ...] = ()
    """Ids of the runs of the chain, oldest first."""
    name: str = ""
    """What the last run is called; empty without a run."""


def lineage_of(ref: ModelRef) -> Lineage:
    """Follows a reference down to weights that can be read, of a model that writes text.

    Raises:
        ModelError: a run is unknown, left no weights, stands on itself, or is a reward model.
    """
    adapters: list[Path] = []
    runs: list[str] = []
    name = ""
    while isinstance(ref, RunRef):
        if ref.run in runs:
            raise ModelError(f"Run {ref.run} stands on itself ({' → '.join([*runs, ref.run])}); its config is damaged.")
        folder, document = _read_run(ref.run)
        if document.get("method") in SCORING:
            raise ModelError(writes_nothing(ref.run, str(document.get("name") or "")))
        if _learnt_prompt(document):
            raise ModelError(cannot_merge(ref.run, str(document.get("name") or "")))
        runs.append(ref.run)
        name = name or str(document.get("name") or ref.run)
        below = _model_of(document)
        if (folder / "model" / CONFIG).is_file():
            base = below if isinstance(below, str) else ""
            return Lineage(base, tuple(reversed(adapters)), folder / "model", tuple(reversed(runs)), name)
        if not (folder / "adapter" / ADAPTER_CONFIG).is_file():
            raise ModelError(
                f"Run {ref.run} left no weights: it has neither an adapter nor a model. Choose a run that is done, or "
                "one that was stopped after its first step."
            )
        adapters.append(folder / "adapter")
        ref = below
    return Lineage(ref, tuple(reversed(adapters)), None, tuple(reversed(runs)), name)


@dataclass(frozen=True)
class Scorer:
    """A reward model on disk."""

    run: str
    name: str
    config: RunConfig
    folder: Path
    """Of the adapter with the head, or of whole weights."""
    whole: bool


def scorer_of(run: str) -> Scorer:
    """What a run of a reward model left.

    Raises:
        ModelError: there is no such run, it is of another method, or it left no weights.
    """
    folder, document = _read_run(run)
    config = decode(document)
    name = config.name or run
    if config.method not in SCORING:
        raise ModelError(
            f"Run {name} was trained with {config.method} and gives no scores; choose the run of a reward model."
        )
    for kind, file in (("adapter", ADAPTER_CONFIG), ("model", CONFIG)):
        if (folder / kind / file).is_file():
            return Scorer(run, name, config, folder / kind, whole=kind == "model")
    raise ModelError(f"The reward model {name} left no weights; choose one that is done, or was stopped with saving.")


def writes_nothing(run: str, name: str = "") -> str:
    """The sentence for a run that is asked to write and cannot."""
    return (
        f"Run {name or run} is a reward model: it gives scores and writes no text. Use it as a reward, as a judge, or "
        "to score a text; to write, choose another run or the model it was trained from."
    )


def cannot_merge(run: str, name: str = "") -> str:
    """The sentence for a soft prompt that is to become part of a model."""
    return (
        f"Run {name or run} learnt a soft prompt, which stands before a text and cannot be merged into weights. "
        "Compare and Evaluate use it beside its base; to go on from a run, or to load it, choose one with LoRA or with "
        "every weight."
    )


def check_start(ref: ModelRef) -> None:
    """Refuses to start a run from a soft prompt; whatever else may be wrong is told when the model is loaded.

    Raises:
        ModelError: the run learnt a soft prompt, or is not there.
    """
    if isinstance(ref, RunRef):
        _, document = _read_run(ref.run)
        if _learnt_prompt(document):
            raise ModelError(cannot_merge(ref.run, str(document.get("name") or "")))


def title_of(ref: ModelRef) -> str:
    """What a model is called on screen: never a path of this machine, only its last part."""
    if isinstance(ref, RunRef):
        return lineage_of(ref).name
    entry = catalogue.find(ref)
    if entry is not None:
        return entry.title
    path = Path(ref).expanduser()
    return path.resolve().name if path.is_dir() else ref


def _read_run(run: str) -> tuple[Path, dict[str, object]]:
    folder = runs_folder() / run
    if not run or Path(run).name != run or not folder.is_dir():
        raise ModelError(f"There is no run {run!r} here; `python -m playground runs` lists them.")
    try:
        document = parse((folder / "config.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"Run {run} has no config that can be read ({error.strerror}).") from error
    return folder, document if isinstance(document, dict) else {}


def _learnt_prompt(document: dict[str, object]) -> bool:
    adapter = document.get("adapter")
    return isinstance(adapter, dict) and adapter.get("kind") in SOFT_PROMPTS


def _model_of(document: dict[str, object]) -> ModelRef:
    match document.get("model"):
        case str(name):
            return name
        case {"run": str(run)}:
            return RunRef(run)
        case other:
            raise ModelError(f"A run's config names no model that could be loaded: {other!r}.")
