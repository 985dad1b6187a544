"""Who is asking. An owner is known by a key kept in their browser, the host by a host key or by sitting at the machine.

Lists and stores carry only `owner_id(key)`, from which the key cannot be had. Hidden or disabled buttons protect
nothing (any handler can be called by a raw POST), so every handler that changes something asks here first.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from starlette.requests import Request

from playground.errors import NotAllowed
from playground.surroundings import place

HOST_KEY_VARIABLE = "PLAYGROUND_HOST_KEY"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
PROXY_HEADERS = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via", "cf-connecting-ip")
SHORTEST_KEY = 20


@dataclass(frozen=True)
class Person:
    """The one behind a request."""

    owner: str
    """Id that runs are kept under; safe to show."""
    host: bool
    """Whether everything is allowed: other people's runs, paths of this machine, Hub ids."""
    address: str = field(default="", compare=False)
    """Where the request came from, which another key does not change; see `address_of`."""


def new_person() -> dict[str, str]:
    """What a browser keeps: its secret key, and the host key once that was given."""
    return {"key": secrets.token_urlsafe(24), "host": ""}


def owner_id(key: str) -> str:
    """The public name of a key: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def identify(person: object, request: gr.Request | None) -> Person:
    """Who sent this request; `person` is the value of `shell.person`.

    Raises:
        NotAllowed: the browser has no key yet.
    """
    known = visitor(person, request)
    if known is None:
        raise NotAllowed("This browser has no owner key yet; reload the page and try again.")
    return known


def visitor(person: object, request: gr.Request | None) -> Person | None:
    """As `identify`, with None for a browser that has no key yet; for handlers that only look."""
    key = person.get("key") if isinstance(person, Mapping) else None
    if not isinstance(key, str) or len(key) < SHORTEST_KEY:
        return None
    return Person(owner_id(key), is_host(person, request), address_of(request))


def anyone(person: object, request: gr.Request | None) -> Person:
    """As `visitor`, with a person of no name for a browser or a script that has no key."""
    return visitor(person, request) or Person("", is_host(person, request), address_of(request))


def address_of(request: gr.Request | Request | None) -> str:
    """The network address that a request came from; "" where it is not known.

    On a Space the peer is always the platform's proxy, which writes who asked it at the end of `X-Forwarded-For`;
    elsewhere the server believes that header from a proxy on the same machine only, and names the peer otherwise.
    """
    if request is None or request.client is None:
        return ""
    forwarded = str(request.headers.get("x-forwarded-for", "")).rpartition(",")[2].strip()
    return forwarded if forwarded and place().is_space else str(request.client.host)


def is_host(person: object, request: gr.Request | Request | None) -> bool:
    """Whether the host key was given, or, where there is none, the request comes from this very machine."""
    expected = os.environ.get(HOST_KEY_VARIABLE, "")
    if not expected:
        return is_local(request)
    given = person.get("host") if isinstance(person, Mapping) else None
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def is_local(request: gr.Request | Request | None) -> bool:
    """Whether a request was made on this machine, past no proxy, and to a loopback name.

    The name is checked because a page elsewhere can point its own name at 127.0.0.1 (DNS rebinding).
    """
    if request is None or request.client is None:
        return False
    headers = request.headers
    name = urlsplit(f"//{headers.get('host', '')}").hostname
    return (
        request.client.host in LOOPBACK and name in LOOPBACK and not any(header in headers for header in PROXY_HEADERS)
    )


def require_host(person: object, request: gr.Request | None, what: str = "This") -> Person:
    """The person, who must be the host; `what` begins the sentence otherwise: "Loading a folder"."""
    known = identify(person, request)
    if not known.host:
        raise NotAllowed(f"{what} is for the host only. If you are the host, open the page with ?host=KEY at its end.")
    return known


def require_owner(owner: str, person: object, request: gr.Request | None, what: str = "This run") -> Person:
    """The person, who must be the host or own what `owner` (an id of `owner_id`) owns."""
    known = identify(person, request)
    check_owner(owner, known, what)
    return known


def check_owner(owner: str, known: Person, what: str = "This run") -> None:
    """Does nothing for the host and for the owner.

    Raises:
        NotAllowed: the person is neither.
    """
    if not known.host and not hmac.compare_digest(known.owner, owner):
        raise NotAllowed(f"{what} belongs to someone else; only its owner or the host can change it.")


def viewer(known: Person) -> dict[str, Any]:
    """What the page must know of a person to offer the right buttons; rights are checked on the server all the same."""
    return {"owner": known.owner, "host": known.host}
