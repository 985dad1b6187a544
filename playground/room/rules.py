"""The rules of the room as they stand now: kept in the home, changed by the host, in force from the next request on."""

import json
import logging
import os
import threading
from pathlib import Path

from playground.config.codec import decode_section, encode_section
from playground.config.room import RoomSettings
from playground.errors import ConfigError, PlaygroundError
from playground.room.pace import Pace
from playground.runs import strict
from playground.runs.database import in_words
from playground.runs.home import chosen_folder, home

logger = logging.getLogger(__name__)

FILE = "room.json"
JOBS_VARIABLE = "PLAYGROUND_JOBS_PER_PERSON"
"""Environment variable: `jobs_per_person` for as long as the host has not set the rules."""


class Rules:
    """One per app; safe across threads."""

    def __init__(self) -> None:
        self.pace = Pace()
        self._lock = threading.Lock()
        self._kept: RoomSettings | None = None
        self._read = False

    @property
    def settings(self) -> RoomSettings:
        """What participants may do now.

        Raises:
            ConfigError: the host has set nothing, and `PLAYGROUND_JOBS_PER_PERSON` is not a number as needed.
        """
        with self._lock:
            if not self._read:
                self._kept, self._read = _kept(chosen_folder() / FILE), True
            return self._kept or _by_default()

    def check(self) -> None:
        """Raises ConfigError where `PLAYGROUND_JOBS_PER_PERSON` cannot be read: better at the start than at a run."""
        _by_default()

    def change(self, settings: RoomSettings) -> None:
        """Sets the rules for everybody, and for later starts of the app.

        Raises:
            PlaygroundError: they cannot be written; then the old ones stay.
        """
        with self._lock:
            path = home() / FILE
            with in_words(path):
                strict.write(path, encode_section(settings))
            self._kept, self._read = settings, True


def _by_default() -> RoomSettings:
    given = os.environ.get(JOBS_VARIABLE)
    if not given:
        return RoomSettings()
    if not given.isdecimal() or int(given) < 1:
        raise ConfigError([f"{JOBS_VARIABLE} must be a whole number above 0; got {given!r}."])
    return RoomSettings(jobs_per_person=int(given))


def _kept(path: Path) -> RoomSettings | None:
    """What a file holds; None without one. Rules that cannot be read are told in the log and keep nobody out."""
    try:
        return decode_section(RoomSettings, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, PlaygroundError) as error:
        logger.warning("The rules of the room at %s cannot be read, so the usual ones hold: %s", path, error)
        return None
