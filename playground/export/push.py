"""A run's adapter or merged model on the Hub, with a model card. The person's own explicit act, with their own token.

The token is handed to one child process and forgotten: it is in no file, no log, no record and no error.
"""

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playground.errors import ConfigError, ModelUnavailable, PlaygroundError, RunError
from playground.export.bundle import Order, model_card
from playground.export.subject import settings_document
from playground.export.weights import write_adapter, write_merged
from playground.models import hub
from playground.models.child import Message, run_child
from playground.runs import strict
from playground.runs.events import Progress

What = Literal["adapter", "merged"]
SETTINGS = "playground.json"
"""The run's settings in the repository; `config.json` is the model's own there."""
ANSWER_SECONDS = 20.0
"""How long the Hub may take to answer at first."""
STALL_SECONDS = 120.0
"""How long an upload may stand still."""


@dataclass(frozen=True)
class Destination:
    """Where a push goes. The token stands in no representation of it."""

    repository: str
    """`owner/name`, or a name in the account of whoever owns the token."""
    private: bool
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        if not hub.is_hub_id(self.repository):
            raise ConfigError([f"A repository is written as owner/name; got {self.repository!r}."])
        if not self.token or not self.token.isascii() or any(letter.isspace() for letter in self.token):
            raise ConfigError(
                ["A Hub token that may write is needed: https://huggingface.co/settings/tokens makes one."]
            )


def push(order: Order, what: What, to: Destination) -> str:
    """Writes what is pushed to a folder of its own, uploads it, and gives the repository's address.

    Raises:
        RunError: the run left no such thing, or its adapter's base is not on the Hub.
        ModelUnavailable: the Hub cannot be reached, or does not let this token write there.
        Cancelled: `order.stop` was set.
    """
    if hub.is_offline():
        raise ModelUnavailable("HF_HUB_OFFLINE forbids to reach the Hub, so nothing was pushed.")
    if what == "adapter" and not order.subject.base.public:
        raise RunError(
            f"The adapter fits on {order.subject.base.title} alone, which the Hub does not have, so nobody could use "
            "it there; push the merged model."
        )
    # A token that does not work is told before a minute is spent on merging.
    order.report(Progress("find", 0, 1))
    _Conversation(order, to).hold()
    with tempfile.TemporaryDirectory(prefix="playground-push-") as place:
        folder = Path(place)
        _write(order, what, to, folder)
        order.report(Progress("upload", 0, 0))
        return _Conversation(order, to).hold(to.repository, str(folder), "private" if to.private else "public")


def _write(order: Order, what: What, to: Destination, folder: Path) -> None:
    subject = order.subject
    if what == "adapter":
        write_adapter(subject, folder, subject.base.hub_id)
    else:
        write_merged(subject, folder, report=order.report, stop=order.stop)
    readme = model_card(order, to.repository, merged=what == "merged")
    (folder / "README.md").write_text(readme, encoding="utf-8")
    strict.write(folder / SETTINGS, settings_document(subject, private=False))


class _Conversation:
    """One child process that talks to the Hub, watched from here."""

    def __init__(self, order: Order, to: Destination) -> None:
        self._order = order
        self._to = to
        self._said: Message = {}
        self._heard = time.monotonic()
        self._patience = ANSWER_SECONDS

    def hold(self, *arguments: str) -> str:
        """What the child answered: the repository's address, or without arguments whose token it is."""
        ended = run_child(
            ["-m", "playground.export.hub_upload", *arguments],
            stop=self._order.stop,
            on_message=self._hear,
            on_tick=self._be_patient,
            # LFS over plain HTTP: one protocol, which proxies let through and which can be tested.
            environment={"HF_TOKEN": self._to.token, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"},
        )
        for answer in ("url", "user"):
            if answer in self._said:
                return str(self._said[answer])
        detail = self._said.get("detail") or ended.errors.strip()[-300:].replace(self._to.token, "…")
        raise _error(self._to, self._said.get("problem", "crash"), detail)

    def _hear(self, message: Message) -> None:
        self._heard = time.monotonic()
        self._patience = STALL_SECONDS
        if "done" in message:
            self._order.report(Progress("upload", message["done"], message["total"], "bytes"))
        elif "stage" not in message:
            self._said.update(message)

    def _be_patient(self) -> None:
        if time.monotonic() - self._heard > self._patience:
            raise ModelUnavailable(f"The Hub has not answered for {self._patience:.0f} seconds; try again later.")


def _error(to: Destination, problem: str, detail: str) -> PlaygroundError:
    match problem:
        case "token":
            return ModelUnavailable("The Hub does not know this token; copy it again, or make a new one.")
        case "rights":
            return ModelUnavailable(
                f"This token may not write to {to.repository}; it needs write access there, or choose a name of yours."
            )
        case "name" | "refused":
            return ConfigError([f"The Hub does not take {to.repository}: {detail}"])
        case "unreachable":
            return ModelUnavailable(f"The Hub cannot be reached, so nothing was pushed ({detail}).")
        case "server":
            return ModelUnavailable(f"The Hub failed in the middle of the push ({detail}); try again in a minute.")
    return ModelUnavailable(f"The push to {to.repository} broke off ({detail}); try again.")
