"""Where the playground keeps its things: `PLAYGROUND_HOME`, else a Space's `/data`, else the user's data folder."""

import os
from pathlib import Path

import platformdirs

from playground import surroundings
from playground.errors import PlaygroundError


def home() -> Path:
    """The folder of runs, converted models and uploads; made on first use.

    Raises:
        PlaygroundError: it cannot be made or written.
    """
    folder = chosen_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlaygroundError(
            f"The playground's folder {folder} cannot be made ({error.strerror}); "
            "set PLAYGROUND_HOME to a folder that can be written."
        ) from error
    return folder


def runs_folder() -> Path:
    """One folder per run lies here."""
    return home() / "runs"


def models_folder() -> Path:
    """Models that were fetched or converted lie here, ready for `from_pretrained`."""
    return home() / "models"


def chosen_folder() -> Path:
    """Where that folder is or will be; makes nothing."""
    chosen = os.environ.get("PLAYGROUND_HOME")
    if chosen:
        return Path(chosen).expanduser()
    if surroundings.place().is_space and os.access("/data", os.W_OK):
        return Path("/data/playground")
    return Path(platformdirs.user_data_dir("post-training-playground", appauthor=False))
