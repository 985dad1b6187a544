"""What a person asks of the model or the disk is counted here, against the rules of the room; looking on is free.

Handlers call `act` where they would begin to work, so that whoever is too fast reads why and loses nothing. Uploads are
taken by Gradio before any handler of ours, so a gate before the whole app counts them by their address.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from playground.room import caps
from playground.room.pace import TooFast
from playground.ui.i18n import locale_of
from playground.ui.identity import Person, address_of, is_host
from playground.ui.sentences import translated
from playground.ui.services import Services

UPLOAD = "/gradio_api/upload"


def act(services: Services, known: Person, *, max_new_tokens: int = 0) -> None:
    """Counts an action of a person; the host may do as much as they like.

    Args:
        max_new_tokens: the longest answer that is asked for, where one is.

    Raises:
        TooFast: the person, or their network, has had its share of this minute.
        NotAllowed: the answer is longer than participants may ask for.
    """
    if known.host:
        return
    rules = services.rules.settings
    caps.check_answer(rules, max_new_tokens)
    services.rules.pace.count(rules, known.owner, known.address)


def too_fast(error: TooFast, locale: str) -> JSONResponse:
    """The answer of a route to whoever is too fast; Gradio shows it as it is."""
    headers = {"Retry-After": str(error.retry_after), "Cache-Control": "no-store"}
    return JSONResponse({"error": translated(str(error), locale)}, status_code=429, headers=headers)


class Gate:
    """Middleware: turns uploads away once an address has had as many in a minute as one person has actions."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything else on, untouched."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].rstrip("/").endswith(UPLOAD):
            request = Request(scope)
            try:
                self._count(request)
            except TooFast as error:
                await too_fast(error, locale_of(request))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _count(self, request: Request) -> None:
        if not is_host(None, request):
            rules = self._services.rules
            rules.pace.upload(rules.settings, address_of(request))
