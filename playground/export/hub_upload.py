"""The child process that talks to the Hub: `python -m playground.export.hub_upload REPOSITORY FOLDER public|private`.

Without arguments it only asks whether the Hub is there and knows the token, which comes as `HF_TOKEN` in its own
environment and ends with it. It says `{"stage"}` and `{"done", "total"}` in bytes while it works, and at last
`{"user"}`, `{"url"}` or `{"problem", "detail"}`.
"""

import io
import logging
import os
import sys
import threading
import time
import warnings
from pathlib import Path

import httpx2
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from playground.models.child import end_with_parent, say

MESSAGE = "Pushed from the Post-training Playground"
WEIGHTS = ".safetensors"
"""Files that are large enough for their progress to be worth telling."""


class Told(io.BufferedReader):
    """A file that says how much of all files has been read since its upload began."""

    total = 0
    _done = 0
    _told = 0.0
    _lock = threading.Lock()
    counting = False

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(-1 if size is None else size)
        if Told.counting:
            with Told._lock:
                Told._done = min(Told._done + len(content), Told.total)
                if time.monotonic() - Told._told > 0.1 or not content:
                    Told._told = time.monotonic()
                    say(done=Told._done, total=Told.total)
        return content


def push(repository: str, folder: Path, *, private: bool) -> str:
    """Makes the repository where there is none, commits every file of the folder, and gives its address."""
    api = HfApi(token=os.environ["HF_TOKEN"])
    made = api.create_repo(repository, private=private, exist_ok=True)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    large = [path for path in files if path.suffix == WEIGHTS]
    Told.total = sum(path.stat().st_size for path in large)
    operations = [
        CommitOperationAdd(path.relative_to(folder).as_posix(), Told(io.FileIO(path)) if path in large else path)
        for path in files
    ]
    # Until here every file was read once for its digest.
    Told.counting = True
    say(stage="upload")
    api.create_commit(made.repo_id, operations, commit_message=MESSAGE)
    return str(made)


def problem_of(error: BaseException) -> dict[str, str]:
    """An error of the client as a word the parent knows and a detail in a line, without the token."""
    detail = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
    detail = detail.replace(os.environ["HF_TOKEN"], "…")
    match error:
        case HFValidationError():
            problem = "name"
        case HfHubHTTPError():
            status = error.response.status_code
            problem = {401: "token", 403: "rights", 404: "rights", 400: "refused", 422: "refused"}.get(status, "server")
            detail = f"HTTP {status}" if problem != "refused" else detail
        case RuntimeError() if error.__cause__ is not None:
            return problem_of(error.__cause__)
        case httpx2.TransportError() | OSError():
            problem = "unreachable"
        case _:
            problem = "broken"
    return {"problem": problem, "detail": detail}


def main() -> int:
    """Pushes the folder named on the command line, or only knocks."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    end_with_parent()
    try:
        match sys.argv[1:]:
            case []:
                say(user=str(HfApi(token=os.environ["HF_TOKEN"]).whoami()["name"]))
            case repository, folder, visibility:
                say(url=push(repository, Path(folder), private=visibility == "private"))
    except (OSError, ValueError, RuntimeError, httpx2.HTTPError) as error:
        say(**problem_of(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
