"""The address that phones open, out of the one at which the host sees the page."""

import io
import socket
from enum import StrEnum
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from playground.errors import PlaygroundError

PAGE = "room"
LONGEST = 300
"""Letters of an address; a code of more is not read from the last row."""
EVERY_INTERFACE = ("0.0.0.0", "::", "")  # noqa: S104, compared with, not bound to
QUIET_ZONE = 4
"""Modules of white around the code, as ISO/IEC 18004 asks for, so that it is read on a dark page too."""


class Reach(StrEnum):
    """Who can open an address."""

    OTHERS = "others"
    NETWORK = "network"
    """Who is in the same network, through the address of this machine there."""
    MACHINE = "machine"
    """This very machine alone."""


class Address(NamedTuple):
    """Where the audience page is."""

    url: str
    reach: Reach


def audience_address(seen: str, *, listens_on: str, shared: str = "", network: str | None = None) -> Address:
    """The audience page's address.

    Args:
        seen: the address at which the host's browser has the app, behind whatever proxy; keys in it are left out.
        listens_on: the interface that the server listens on.
        shared: a public address of the same app, where there is one.
        network: this machine's address in its network, "" where it cannot be known; None asks the system.

    Raises:
        PlaygroundError: what is seen is no address of the web.
    """
    if len(seen) > LONGEST:
        raise PlaygroundError(f"An address of at most {LONGEST} letters is needed; got {len(seen)}.")
    try:
        parts = urlsplit(seen)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https"):
        raise PlaygroundError("The address of this page must begin with http:// or https://.")
    reach = Reach.OTHERS
    if _is_loopback(host):
        reach = Reach.MACHINE
        if shared:
            return Address(_page(shared), Reach.OTHERS)
        found = network_address() if network is None else network
        if listens_on in EVERY_INTERFACE and found:
            host, reach = found, Reach.NETWORK
    place = f"[{host}]" if ":" in host else host
    netloc = f"{place}:{port}" if port else place
    return Address(_page(urlunsplit((parts.scheme, netloc, parts.path, "", ""))), reach)


def code(address: str) -> str:
    """The address as a QR code: an SVG in black on white, whatever is behind it.

    Raises:
        PlaygroundError: it is too long, or no address of an audience page.
    """
    if len(address) > LONGEST or not address.startswith(("http://", "https://")) or not address.endswith(f"/{PAGE}"):
        raise PlaygroundError(f"The code is for the address of an audience page, which ends with /{PAGE}.")
    import segno  # only the host's screen asks for it

    # Error correction M takes a glare or a corner of the beamer, and keeps the modules large.
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind="svg", border=QUIET_ZONE, dark="#000000", light="#ffffff", omitsize=True, xmldecl=False
    )
    return out.getvalue().decode()


def network_address() -> str:
    """This machine's address in its network, "" without one. Nothing is sent: the system only chooses a route."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # of RFC 5737, which belongs to nobody
            found = str(probe.getsockname()[0])
    except OSError:
        return ""
    return "" if _is_loopback(found) else found


def _page(app: str) -> str:
    return f"{app.rstrip('/')}/{PAGE}"


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
