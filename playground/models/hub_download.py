"""The child process that talks to the Hub: `python -m playground.models.hub_download OWNER/NAME`.

Says `{"done", "total"}` in bytes while it works, and at last `{"folder"}` or `{"problem", "detail"}`.
"""

import logging
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.utils.tqdm import tqdm

from playground.models.child import end_with_parent, say
from playground.models.folder import ADAPTER_CONFIG, CONFIG, SINGLE_FILES

FIRST_ANSWER_SECONDS = 5.0
CHUNK_BYTES = 1 << 20
"""Progress is said, and a stop noticed, at least this often; the client's own 10 MiB is a long silence."""
SMALL_FILES = (
    CONFIG,
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)


class Unsuitable(Exception):
    """The repository holds no model that we could load; the text says why."""


class Told(tqdm):
    """The client's progress bar, which tells the parent instead of the terminal."""

    before = 0
    """Bytes of the files that are complete."""
    total_bytes = 0
    leaving = threading.Event()
    _last = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"disable": True}))  # type: ignore[no-untyped-call]
        self.n = kwargs.get("initial", 0)

    def update(self, n: float | None = 1) -> bool:
        """Counts bytes itself, as a disabled bar does not."""
        if Told.leaving.is_set():
            raise KeyboardInterrupt
        self.n += n or 0
        if time.monotonic() - Told._last > 0.1:
            Told._last = time.monotonic()
            say(done=min(Told.before + self.n, Told.total_bytes), total=Told.total_bytes)
        return True


def needed(names: Iterable[str]) -> list[str]:
    """The files that loading takes, weights last: safetensors, and pickles only where there are none.

    Raises:
        Unsuitable: config or weights are missing.
    """
    held = set(names)
    if CONFIG not in held:
        if ADAPTER_CONFIG in held:
            raise Unsuitable("it is an adapter, not a model by itself; load the model it was made for.")
        raise Unsuitable("it has no config.json, so it is not a model in the format of transformers.")
    small = [name for name in SMALL_FILES if name in held]
    for single in SINGLE_FILES.values():
        if single in held:
            return [*small, single]
        if f"{single}.index.json" in held:
            stem, suffix = single.rsplit(".", 1)
            shards = sorted(name for name in held if name.startswith(f"{stem}-") and name.endswith(f".{suffix}"))
            return [*small, f"{single}.index.json", *shards]
    raise Unsuitable("it has no weights as model.safetensors or pytorch_model.bin.")


def download(hub_id: str) -> str:
    """Fetches what `needed` names; gives the folder in the cache."""
    info = HfApi().model_info(hub_id, files_metadata=True, timeout=FIRST_ANSWER_SECONDS)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    files = needed(sizes)
    Told.total_bytes = sum(sizes[name] for name in files)
    _refuse_what_code_defines(info)
    folder = ""
    for name in files:
        path = hf_hub_download(hub_id, name, tqdm_class=Told)
        Told.before += sizes[name]
        folder = folder or str(Path(path).parent)
        say(done=Told.before, total=Told.total_bytes)
    return folder


def _refuse_what_code_defines(info: ModelInfo) -> None:
    """Refuses, before gigabytes arrive, what only code from the repository could load."""
    described = info.config or {}
    if "auto_map" in described and not described.get("model_type"):
        raise Unsuitable("it needs code from its repository, which the playground does not run.")


def problem_of(error: BaseException) -> dict[str, str]:
    """An error of the client as a word the parent knows and a detail in a line."""
    if isinstance(error, LocalEntryNotFoundError) and error.__cause__ is not None:
        return problem_of(error.__cause__)
    detail = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
    match error:
        case Unsuitable():
            problem = "unsuitable"
        case GatedRepoError():
            problem = "gated"
        case RepositoryNotFoundError() | HFValidationError():
            problem = "missing"
        case HfHubHTTPError():
            status = error.response.status_code
            problem = {401: "token", 403: "gated", 404: "missing"}.get(status, "server")
            detail = f"HTTP {status}"
        case httpx2.RemoteProtocolError():
            problem = "broken"
        case httpx2.TransportError():
            problem = "unreachable"
        case OSError() if error.errno is not None:
            problem, detail = "disk", error.strerror or detail
        case _:
            problem = "broken"
    return {"problem": problem, "detail": detail}


def _leave() -> None:
    """Lets the client remove its half-written file, for a moment."""
    Told.leaving.set()
    time.sleep(1.5)


def main() -> int:
    """Downloads the model named on the command line."""
    logging.disable(logging.WARNING)
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES
    end_with_parent(_leave)
    try:
        say(folder=download(sys.argv[1]))
    except (OSError, ValueError, RuntimeError, httpx2.HTTPError, Unsuitable) as error:
        say(**problem_of(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
