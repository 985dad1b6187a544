"""Models from the Hugging Face Hub: only the files that are needed, with progress, and never a hang.

The client runs in a child process (`hub_download`), which can be ended in the middle of a stalled connection and reads
the person's own Hugging Face settings: `HF_ENDPOINT`, `HF_TOKEN`, the cache, a proxy.
"""

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

from playground.errors import ModelError, ModelUnavailable
from playground.models import catalogue
from playground.models.child import Message, run_child
from playground.models.folder import check_folder
from playground.runs.events import Progress

HUB_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*", re.ASCII)
"""`owner/name`, or a bare name for the oldest models."""


def is_hub_id(name: str) -> bool:
    """Whether a text could be a Hub id at all: at most 96 characters, no `--` and no `..`."""
    return len(name) <= 96 and "--" not in name and ".." not in name and HUB_ID.fullmatch(name) is not None


def is_offline() -> bool:
    """Whether the person, or a test, has forbidden the Hub."""
    return any(
        os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"}
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def download(
    hub_id: str, *, report: Callable[[Progress], None], stop: threading.Event, token: str | None = None
) -> Path:
    """Fetches a model into the cache that all Hugging Face libraries share; gives its folder.

    A connection that breaks off is taken up where it broke. Files that were complete are not fetched again.

    Raises:
        ModelUnavailable: the Hub cannot be reached, or lets us have the model only under conditions.
        ModelError: there is no such model, or it is not one that can be loaded here.
        Cancelled: `stop` was set.
    """
    if is_offline():
        raise ModelUnavailable(f"{hub_id} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it. {_local()}")
    said: Message = {}

    def hear(message: Message) -> None:
        if "done" in message:
            report(Progress("download", message["done"], message["total"], "bytes"))
        else:
            said.update(message)

    report(Progress("find", 0, 1))
    ended = run_child(
        ["-m", "playground.models.hub_download", hub_id],
        stop=stop,
        on_message=hear,
        environment={"HF_TOKEN": token} if token else None,
    )
    if "folder" in said:
        return check_folder(Path(said["folder"]))
    raise _error(hub_id, said.get("problem", "crash"), said.get("detail") or ended.errors.strip()[-300:])


def _error(hub_id: str, problem: str, detail: str) -> ModelError:
    match problem:
        case "missing":
            return ModelError(
                f"The Hub has no model {hub_id}, or it is private and wants a token in HF_TOKEN; check the spelling. "
                f"{_local()}"
            )
        case "gated":
            return ModelUnavailable(
                f"{hub_id} is gated: accept its licence at https://huggingface.co/{hub_id}, make a token under "
                "Settings → Access Tokens, and set HF_TOKEN to it."
            )
        case "token":
            return ModelUnavailable(f"The Hub does not accept the token in HF_TOKEN ({detail}); make a new one.")
        case "unsuitable":
            return ModelError(f"{hub_id} cannot be loaded: {detail}")
        case "unreachable":
            return ModelUnavailable(f"The Hub cannot be reached, so {hub_id} cannot be fetched ({detail}). {_local()}")
        case "server":
            return ModelUnavailable(
                f"The Hub failed while {hub_id} was fetched ({detail}); try again in a minute. {_local()}"
            )
        case "disk":
            return ModelUnavailable(f"{hub_id} cannot be kept on this machine: {detail}")
    return ModelUnavailable(f"Fetching {hub_id} broke off ({detail}); try again. {_local()}")


def _local() -> str:
    names = catalogue.available_locally()
    return f"On this machine already: {', '.join(names)}." if names else "No model is on this machine yet."
