"""What the page's handlers work with: store, jobs and the model server, each made on first use.

Heavy imports (torch, transformers) happen in a background thread once the first page is out, so that the page is
up at once; until then the model server's state is "starting".
"""

import dataclasses
import json
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.config.methods.answering import AnsweringSettings
from playground.config.methods.ppo import PPOSettings
from playground.data import inspection
from playground.data.pairs import check_pairs, longest_side
from playground.errors import PlaygroundError
from playground.models import catalogue
from playground.models.fetch import names_a_folder
from playground.room.audience import Audience
from playground.room.rules import Rules
from playground.ui.data_shelf import DataShelf
from playground.ui.sharing import Sharing

if TYPE_CHECKING:
    from playground.config.run import ModelRef, RunConfig
    from playground.jobs.manager import JobManager
    from playground.models.arrival import Arrival
    from playground.models.catalogue import Entry
    from playground.models.memory import Drawn, MemoryEstimate
    from playground.models.serving import ModelServer
    from playground.runs.store import RunStore
    from playground.ui.lessons import Lessons
    from playground.ui.tours import Tours

PRIVATE_INFO = frozenset({"folder"})

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "tiny"
"""Loaded at the start: it lies in the repository, so the page has a model within seconds, whatever the network."""
REAL_MODEL = "smollm2-135m-instruct"
"""Fetched in the background meanwhile, where nobody has named another model to start with."""
MODEL_VARIABLE = "PLAYGROUND_MODEL"
"""Environment variable that names the model to start with; "none" starts without."""
GRACE_SECONDS = 2.0
"""Heavy imports wait this long for a first visitor, whose page would otherwise share the processor with them."""


class Services:
    """One per app. Cheap to make: opens and imports nothing until asked."""

    def __init__(self, model: str | None = None) -> None:
        self.model = model or os.environ.get(MODEL_VARIABLE) or DEFAULT_MODEL
        """Loaded in the background at the start; "none" loads nothing."""
        self.loader = ""
        """Owner id of whoever asked for the model now loaded or loading; "" for the app itself."""
        self.rules = Rules()
        """What the host lets participants do."""
        self.shelf = DataShelf()
        """Data sets that were read, for whichever tab needs them."""
        self.audience = Audience(lambda: self.store)
        """What the host shows the room, and what the room answers."""
        self.listens_on, self.shared = "127.0.0.1", ""
        """The interface that the server listens on, and a public address of the app where Gradio made one."""
        self.first_page = threading.Event()
        """Set when a browser has the page and asks for the first status."""
        self._store: RunStore | None = None
        self._jobs: JobManager | None = None
        self._tours: Tours | None = None
        self._lessons: Lessons | None = None
        self._server: ModelServer | None = None
        self._lock = threading.RLock()
        self._server_lock = threading.Lock()
        self._failure: str | None = None
        self._closed = threading.Event()
        self._arrival: Arrival | None = None

    @property
    def store(self) -> "RunStore":
        """Runs and evaluations."""
        with self._lock:
            if self._store is None:
                from playground.runs.store import RunStore

                self._store = RunStore()
            return self._store

    @property
    def jobs(self) -> "JobManager":
        """The queue that runs are put into."""
        with self._lock:
            if self._jobs is None:
                from playground.jobs.manager import JobManager

                self._jobs = JobManager(self.store, beside=Sharing(self).during)
            return self._jobs

    @property
    def tours(self) -> "Tours":
        """The tours of everybody."""
        with self._lock:
            if self._tours is None:
                from playground.ui.tours import Tours

                self._tours = Tours(self)
            return self._tours

    @property
    def lessons(self) -> "Lessons":
        """Everybody's training on votes."""
        with self._lock:
            if self._lessons is None:
                from playground.ui.lessons import Lessons

                self._lessons = Lessons(self)
            return self._lessons

    def model_server(self) -> "ModelServer":
        """The loaded model, shared by everyone. The first call imports torch, which takes seconds."""
        with self._server_lock:
            if self._server is None:
                from playground.models.serving import ModelServer

                self._server = ModelServer()
            return self._server

    def status(self) -> dict[str, Any]:
        """The model server's state as JSON values; never blocks, so "starting" until the imports are done."""
        if self._server is None:
            return {"state": "failed" if self._failure else "starting", "error": self._failure, "stage": ""}
        arrival = dataclasses.asdict(self._arrival.status) if self._arrival is not None else None
        return {**_public(dataclasses.asdict(self._server.status())), "arrival": arrival}

    def check_started(self) -> None:
        """Raises PlaygroundError until the heavy imports are done, before which there is no model to ask."""
        if self.status()["state"] == "starting":
            raise PlaygroundError("The app is starting up; try again when a model is loaded.")

    def load_model(self, ref: "ModelRef", dtype: str, device: str, *, by: str, token: str | None = None) -> None:
        """Begins to load for everyone; `by` is the owner id of whom it is for, and who may cancel it."""
        server = self.model_server()
        with self._lock:
            server.start_loading(ref, dtype, device, token)
            self.loader, self.model = by, "none"  # what a person asked for is not replaced by the default

    def estimate(self, source: "Path | Entry", dtype: str, device: str) -> "MemoryEstimate | None":
        """What loading takes; None until the heavy imports are done, without which devices are not known.

        Raises:
            ModelError: there is no such device, or the folder's weights cannot be read.
        """
        if self._server is None:
            return None
        from playground.models.devices import choose_device
        from playground.models.memory import estimate_loading

        return estimate_loading(source, dtype, device=choose_device(device).type)

    def training_memory(self, config: "RunConfig", *, read_data: bool) -> dict[str, Any] | None:
        """What a run would take at most, what there is and what the loaded model has of the same device's memory.

        None before the model to train is here, or the imports are done.

        Args:
            read_data: whether the rows may be read, so that their real lengths count; else `max_length` does.

        Raises:
            ModelError: the run to go on from left no weights, or the model cannot be trained on.
            DataError: the rows may be read and cannot be.
        """
        if self._server is None:
            return None
        from playground.models.devices import choose_device
        from playground.models.lineage import lineage_of
        from playground.models.memory import estimate_training
        from playground.models.targets import check_targets_early

        check_targets_early(config)
        lineage = lineage_of(config.model)
        folder = lineage.weights or self._folder_of(lineage.base)
        if folder is None:
            return None
        tokenizer = self._folder_of(lineage.base) or folder
        longest = self.longest_row(config, tokenizer) if read_data else None
        device = choose_device("auto").type
        found = estimate_training(
            folder, config.adapter, config.training, method=config.method, longest_row=longest,
            drawn=_drawn(config, longest), device=device,
        )  # fmt: skip
        info = self._server.status().info
        loaded = info.memory_bytes if info is not None and info.device.split(":")[0] == device else 0
        return {**dataclasses.asdict(found), "fits": found.fits, "longest_row": longest, "loaded": loaded}

    def longest_row(self, config: "RunConfig", folder: Path) -> int:
        """Tokens of the longest of some training rows, cut as the run would cut them; `folder` has the tokenizer.

        Raises:
            DataError: the data cannot be read, or no row of it keeps an answer.
        """
        from transformers import AutoTokenizer

        from playground.data.masking import encode_rows

        if isinstance(config.options, AnsweringSettings):
            return self._longest_answered(config, config.options, folder)
        data, most = config.data, config.training.max_length
        if config.options.paired:
            splits = self.shelf.splits(data)
            check_pairs(config.method, splits)
            some, tokenizer = splits.train[: inspection.ROWS_MEASURED], AutoTokenizer.from_pretrained(folder)
            return longest_side(some, data.template_text, tokenizer, most)
        rows, template = self.shelf.splits(data).train, data.template_text
        measured = self.shelf.measured(
            data, str(folder), lambda: inspection.measure(rows, template, AutoTokenizer.from_pretrained(folder))
        )
        if kept := inspection.kept_lengths(measured, most):
            return max(kept)
        # Whatever the run itself would say of rows none of which keeps an answer, it is said now.
        some = rows[: inspection.ROWS_MEASURED]
        encoded = encode_rows(some, template, AutoTokenizer.from_pretrained(folder), most)
        return max(len(row.input_ids) for row in encoded.rows)

    def _longest_answered(self, config: "RunConfig", options: AnsweringSettings, folder: Path) -> int:
        """Tokens of the longest of some prompts with the longest answer to it."""
        from transformers import AutoTokenizer

        from playground.training.asking.prompts import Asking

        room = config.training.max_length - options.max_new_tokens
        asking = Asking(config.data.template_text, AutoTokenizer.from_pretrained(folder), options, room)
        rows = self.shelf.splits(config.data).train[: inspection.ROWS_MEASURED]
        return max(map(len, asking.required(rows)[0])) + options.max_new_tokens

    @staticmethod
    def _folder_of(model: str) -> Path | None:
        """Where a model lies, without fetching it."""
        return Path(model).expanduser() if names_a_folder(model) else catalogue.local_folder(model)

    def forget_run(self, run: str) -> None:
        """Lets go of what the loaded model holds of a run that was deleted, and of the reward model that it left."""
        if self._server is not None:
            from playground.rewards.scoring import forget_reward_model

            self._server.forget(run)
            forget_reward_model(run)

    def call_off(self, why: str) -> int:
        """Ends what participants have waiting in the queue; gives how much that was."""
        return 0 if self._jobs is None else self._jobs.call_off(why)

    def stop_chains(self, reason: str) -> None:
        """Ends everybody's tours and lessons, so that none of them begins another stage."""
        for led in (self._tours, self._lessons):
            if led is not None:
                led.stop_all(reason)

    def unload_models(self) -> None:
        """Gives back the memory of the loaded model, once the requests before this one are done, and of rewards."""
        if self._server is not None:
            from playground.rewards.scoring import forget_reward_model

            self._server.unload()
            forget_reward_model()

    def chat_template(self) -> str:
        """The loaded model's chat template, "" where it has none."""
        info = self._server.status().info if self._server is not None else None
        return chat_template_in(Path(info.folder)) if info is not None else ""

    def start(self) -> threading.Thread:
        """Begins the background work: queue, orphaned runs, heavy imports, the first model."""
        thread = threading.Thread(target=self._start, name="playground-start", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Ends the queue; runs that go on in worker processes end with us."""
        self._closed.set()
        self.first_page.set()
        if self._arrival is not None:
            self._arrival.stop()
        if self._tours is not None:
            self._tours.close()
        if self._lessons is not None:
            self._lessons.close()
        if self._jobs is not None:
            self._jobs.close()

    def _start(self) -> None:
        self.first_page.wait(GRACE_SECONDS)
        if self._closed.is_set():
            return
        from playground.runs import deletion

        try:
            server = self.model_server()
            with self._lock:
                if self.model != "none":
                    server.start_loading(self.model, "auto", "auto")
            self.jobs.recover()
            deletion.sweep(self.store)
            self.jobs.warm_up()
            if self.model == DEFAULT_MODEL and not os.environ.get(MODEL_VARIABLE):
                self._await_real_model()
        except Exception as error:  # the page stays up and says why there is no model
            logger.exception("The background start failed.")
            self._failure = f"The model server could not start: {error}"

    def _await_real_model(self) -> None:
        """Fetches the model that real work begins with, unless it is here."""
        from playground.models.arrival import Arrival

        entry = catalogue.find(REAL_MODEL)
        if entry is not None and catalogue.local_folder(REAL_MODEL) is None:
            self._arrival = Arrival(entry)
            self._arrival.start()


def _drawn(config: "RunConfig", longest: int | None) -> "Drawn | None":
    """What a run of PPO draws at once; TRL's trainers draw a batch, which is less than they learn from."""
    from playground.models.memory import Drawn

    options = config.options
    if not isinstance(options, PPOSettings):
        return None
    held_out = config.training.eval_rows if config.training.eval_steps else 0
    return Drawn(options.side_by_side(held_out), longest or config.training.max_length)


def chat_template_in(folder: Path) -> str:
    """The chat template in a model's folder, kept in a file of its own or in the tokenizer's config."""
    own = folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text(encoding="utf-8")
    config = folder / "tokenizer_config.json"
    template = json.loads(config.read_text(encoding="utf-8")).get("chat_template") if config.is_file() else None
    return template if isinstance(template, str) else ""


def _public(status: dict[str, Any]) -> dict[str, Any]:
    """A status for everyone's eyes: with the licence, without places on our disk, which are the host's business."""
    info, ref = status["info"], status["ref"]
    entry = catalogue.find(ref) if isinstance(ref, str) else None
    if isinstance(ref, str) and names_a_folder(ref):
        ref = Path(ref).name
    shown = {key: value for key, value in info.items() if key not in PRIVATE_INFO} if info else None
    return {**status, "ref": ref, "info": shown, "licence": entry.licence if entry else ""}
