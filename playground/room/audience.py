"""What phones are told: made once for all of them, at most twice a second, and only sent when it changed."""

import gzip
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground.errors import PlaygroundError
from playground.room import recorded
from playground.room.curves import Curves
from playground.room.recorded import MARK
from playground.room.scenes import Curve, Guessing, Voting
from playground.room.stage import Stage
from playground.runs import strict
from playground.runs.store import RunStore

FRESH_SECONDS = 0.5
"""How long what was made is given to everybody; a step of the host is seen at once all the same."""
HERE_SECONDS = 8.0
"""Who asked within this time is here."""
MOST_PHONES = 5000
"""Phones that are counted."""


@dataclass(frozen=True)
class Told:
    """What is on stage, ready to be sent."""

    body: bytes
    """JSON, compressed by gzip."""
    tag: str
    """Another one for every other body."""
    version: int
    made: float


class Audience:
    """One per app."""

    def __init__(self, store: Callable[[], RunStore], clock: Callable[[], float] = time.monotonic) -> None:
        """`store` gives the runs when the first curve is shown; none is opened before."""
        self.stage = Stage()
        self.closing = False
        """Set where the app ends: whoever waits for the stage to change is answered."""
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._curves: Curves | None = None
        self._told: Told | None = None
        self._here: dict[str, float] = {}

    def known(self) -> Told | None:
        """What was made a moment ago, if nothing has changed since; never waits."""
        told = self._told
        fresh = told is not None and told.version == self.stage.version and self._clock() - told.made < FRESH_SECONDS
        return told if fresh else None

    def told(self) -> Told:
        """What is on stage now; of many who ask at once, one makes it."""
        with self._lock:
            known = self.known()
            if known is None:
                version = self.stage.version  # before the scene is read: a change meanwhile makes it anew
                plain = strict.dumps(self._shown()).encode()
                tag = hashlib.sha256(plain).hexdigest()[:16]
                same = self._told is not None and self._told.tag == tag
                body = self._told.body if same and self._told else gzip.compress(plain, compresslevel=6, mtime=0)
                known = self._told = Told(body, tag, version, self._clock())
            return known

    def _shown(self) -> dict[str, Any]:
        match self.stage.scene:
            case Curve() as curve:
                try:
                    return {"kind": "curve", **self._curve(curve)}
                except PlaygroundError:  # the run was deleted while the room looked at it
                    return {"kind": "nothing"}
            case Voting(current=None) as voting:
                return {"kind": "writing", "title": voting.title}
            case Voting(current=posed, at=at) if posed is not None:
                return {"kind": "vote", "number": at + 1, **posed.shown()}
            case Guessing() as guessing:
                return {"kind": "guess", **guessing.shown()}
            case _:
                return {"kind": "nothing"}

    def _curve(self, curve: Curve) -> dict[str, Any]:
        if curve.run.startswith(MARK):
            return recorded.shown(curve.run.removeprefix(MARK), curve.metric, self._clock() - curve.since)
        if self._curves is None:
            self._curves = Curves(self._store())
        return self._curves.shown(curve.run, curve.metric)

    def came(self, owner: str) -> None:
        """Somebody's phone asked."""
        now = self._clock()
        if owner not in self._here and len(self._here) >= MOST_PHONES:
            self._here = {one: at for one, at in self._here.items() if now - at < HERE_SECONDS}
            if len(self._here) >= MOST_PHONES:
                return
        self._here[owner] = now

    def count(self) -> dict[str, int]:
        """Phones that are here, and how many of the room answered what is shown."""
        now = self._clock()
        here = sum(now - at < HERE_SECONDS for at in list(self._here.values()))
        return {"phones": here, "answers": self.stage.answers()}
