"""The one model in memory: how it comes, how it goes, and how that stands."""

import contextlib
import gc
import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import torch

from playground.config.run import ModelRef
from playground.errors import Busy, Cancelled, ModelError, OutOfMemory, PlaygroundError
from playground.models.detokenise import token_texts
from playground.models.devices import choose_device
from playground.models.fetch import resolve
from playground.models.lineage import lineage_of
from playground.models.loading import LoadedModel, ModelInfo, load
from playground.models.memory import estimate_loading
from playground.models.recent import RecentReadings
from playground.models.shelf import Shelf, describe
from playground.models.turns import Turns
from playground.runs.events import Progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerStatus:
    """How the server stands, to be shown as it is."""

    state: Literal["empty", "loading", "ready", "failed", "aside"] = "empty"
    """`aside`: it gave its memory to something that matters more, and comes back after that."""
    title: str = ""
    """The model that is loaded or being loaded."""
    ref: ModelRef | None = None
    progress: float | None = None
    """0 to 1 within the stage; None where it is not known."""
    stage: str = ""
    error: str = ""
    """Why the last loading failed, or why the model is aside; the state may be ready all the same, with the model from
    before."""
    info: ModelInfo | None = None
    """The model that answers now; while another is being loaded, still the one from before where memory allows."""
    waiting: int = 0
    """Requests in line."""


@dataclass(frozen=True)
class Resident:
    """Everything that goes with one loaded model."""

    loaded: LoadedModel
    shelf: Shelf
    texts: list[str]
    """Of every token id; see `detokenise.token_texts`."""
    vocabulary_id: str
    """Names `texts`: the same texts have the same id, on every machine and after every restart."""
    recent: RecentReadings


class Residence:
    """Room for one model. Every method may be called from any thread."""

    def __init__(self) -> None:
        self.turns = Turns()
        self._resident: Resident | None = None
        self._aside: ModelInfo | None = None
        self._status = ServerStatus()
        self._loading: threading.Thread | None = None
        self._stop = threading.Event()
        self._starting = threading.Lock()

    def status(self) -> ServerStatus:
        """The state of things; takes no lock and costs nothing."""
        return replace(self._status, waiting=self.turns.waiting)

    def start_loading(self, ref: ModelRef, dtype: str = "auto", device: str = "auto", token: str | None = None) -> None:
        """Begins to load a model in the background; `status` tells how it goes.

        The model from before answers until the new one is there, if both fit into memory; otherwise it goes first.

        Args:
            token: for a gated model on the Hub; used once and not kept.

        Raises:
            Busy: another model is being loaded.
        """
        with self._starting:
            if self._loading and self._loading.is_alive():
                raise Busy(f"{self._status.title} is being loaded; wait until it is there, or cancel it.")
            self._stop = threading.Event()
            self._status = replace(
                self._status, state="loading", title=describe(ref), ref=ref, progress=None, stage="start", error=""
            )
            self._loading = threading.Thread(
                target=self._load, args=(ref, dtype, device, token, self._stop), name="model loading", daemon=True
            )
            self._loading.start()

    def cancel_loading(self) -> None:
        """Asks a loading to stop; what was loaded before stays."""
        self._stop.set()

    def wait_loaded(self, timeout: float | None = None) -> ServerStatus:
        """Waits for a loading under way, if any, and gives the status after it. For scripts and tests."""
        if self._loading:
            self._loading.join(timeout)
        return self.status()

    def unload(self) -> None:
        """Gives the memory back, after the requests before this one; a loading is cancelled."""
        self.cancel_loading()
        self.wait_loaded()
        with self.turns.take():
            self._drop()
            self._status = ServerStatus()

    def step_aside(self, why: str) -> None:
        """Gives the memory back for a while, after the requests before this one; `come_back` ends it.

        From a GPU the model moves to the CPU, if there is room; otherwise whoever asks for it reads `why`.
        """
        with self._starting:
            if self._resident is None or (self._loading and self._loading.is_alive()):
                return
            with self.turns.take():
                loaded = self._resident.loaded
                self._drop()
            self._aside = loaded.info
            self._status = ServerStatus("aside", loaded.info.title, loaded.ref, error=why)
        on_cpu = loaded.info.device == "cpu"
        ref, folder, dtype = loaded.ref, loaded.info.folder, loaded.info.dtype
        del loaded
        gc.collect()
        if not on_cpu and estimate_loading(folder, dtype).fits:
            self.start_loading(ref, dtype, "cpu")

    def come_back(self) -> None:
        """Loads what stepped aside, where it was before; nothing, where somebody has loaded or unloaded since."""
        info, status = self._aside, self._status
        self._aside = None
        moved = status.state == "ready" and info is not None and status.title == info.title
        if info is not None and status.ref is not None and (status.state == "aside" or moved):
            with contextlib.suppress(Busy):
                self.start_loading(status.ref, info.dtype, info.device)

    @contextmanager
    def turn(
        self, stop: threading.Event | None = None, on_place: Callable[[int], None] | None = None
    ) -> Iterator[Resident]:
        """The model, for as long as the block takes, after everybody who asked before; see `Turns.take`.

        Raises:
            ModelError: no model is loaded.
            Cancelled: `stop` was set in line.
        """
        self.require()
        with self.turns.take(stop=stop, on_place=on_place):
            yield self.require()

    def require(self) -> Resident:
        """The model that is loaded, whoever has the turn.

        Raises:
            ModelError: there is none.
        """
        resident, status = self._resident, self._status
        if resident is None and status.state == "loading":
            raise ModelError(f"{status.title} is still being loaded; try again when it is there.")
        if resident is None and status.state == "aside":
            raise ModelError(f"{status.title} is put away for now. {status.error}")
        if resident is None:
            raise ModelError("No model is loaded; load one in the Model tab.")
        return resident

    def _load(self, ref: ModelRef, dtype: str, device: str, token: str | None, stop: threading.Event) -> None:
        def report(progress: Progress) -> None:
            share = min(progress.done / progress.total, 1.0) if progress.total else None
            self._status = replace(self._status, progress=share, stage=progress.stage)

        try:
            self._make_room(ref, dtype, device, token, report, stop)
            loaded = load(ref, dtype=dtype, device=device, report=report, stop=stop)
            report(Progress("vocabulary", 0, 0))
            texts = token_texts(loaded.tokenizer, loaded.info.vocabulary)
            shelf = Shelf(loaded)
            resident = Resident(loaded, shelf, texts, vocabulary_id(texts), RecentReadings(shelf))
            with self.turns.take(stop=stop):
                self._drop()
                self._resident = resident
        except Cancelled:
            self._settle("")
        except PlaygroundError as error:
            self._settle(str(error))
        except Exception as error:
            logger.exception("Loading %s failed.", ref)
            self._settle(f"{describe(ref)} could not be loaded: {error}")
        else:
            self._settle("")

    def _settle(self, error: str) -> None:
        """The status once a loading is over, however it went."""
        if self._resident:
            loaded = self._resident.loaded
            self._status = ServerStatus("ready", loaded.info.title, loaded.ref, error=error, info=loaded.info)
        elif error:
            self._status = replace(self._status, state="failed", progress=None, stage="", error=error, info=None)
        else:
            self._status = ServerStatus()

    def _make_room(
        self,
        ref: ModelRef,
        dtype: str,
        device: str,
        token: str | None,
        report: Callable[[Progress], None],
        stop: threading.Event,
    ) -> None:
        """Fetches the new model, and drops the one from before where both do not fit."""
        lineage = lineage_of(ref)
        folder = lineage.weights or resolve(lineage.base, report=report, stop=stop, token=token)
        resident = self._resident
        if resident is None:
            return
        estimate = estimate_loading(folder, dtype, device=choose_device(device).type)
        if estimate.fits:
            return
        if estimate.bytes > estimate.available + resident.loaded.info.memory_bytes:
            raise OutOfMemory(f"{describe(ref)} {estimate.sentence}; choose a smaller model or free some memory.")
        del resident
        with self.turns.take(stop=stop):
            self._drop()

    def _drop(self) -> None:
        self._resident = None
        self._status = replace(self._status, info=None)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def vocabulary_id(texts: list[str]) -> str:
    """A short name for a list of token texts that tells it from all others."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
