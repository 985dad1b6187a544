import re

import pytest

from playground.errors import PlaygroundError
from playground.room.address import QUIET_ZONE, Reach, audience_address, code

EVERYWHERE = "0.0.0.0"  # noqa: S104, nothing listens here


@pytest.mark.parametrize(
    ("seen", "listens_on", "shared", "address", "reach"),
    [
        ("http://127.0.0.1:7860/", "127.0.0.1", "", "http://127.0.0.1:7860/room", Reach.MACHINE),
        ("http://localhost:7860/?host=KEY#x", EVERYWHERE, "", "http://192.168.1.7:7860/room", Reach.NETWORK),
        (f"http://{EVERYWHERE}:7860/", "127.0.0.1", "", f"http://{EVERYWHERE}:7860/room", Reach.MACHINE),
        ("http://[::1]:7860/", "::", "", "http://192.168.1.7:7860/room", Reach.NETWORK),
        ("http://127.0.0.1:7860/", "127.0.0.1", "https://a.gradio.live", "https://a.gradio.live/room", Reach.OTHERS),
        ("http://10.0.0.5:7860/", EVERYWHERE, "", "http://10.0.0.5:7860/room", Reach.OTHERS),
        ("https://me-x.hf.space/?host=KEY", EVERYWHERE, "", "https://me-x.hf.space/room", Reach.OTHERS),
        ("https://lab.example/a/b?host=KEY", "127.0.0.1", "", "https://lab.example/a/b/room", Reach.OTHERS),
        ("http://user:secret@[fd00::1]:80/", "::", "", "http://[fd00::1]:80/room", Reach.OTHERS),
    ],
)
def test_phones_are_sent_where_they_can_reach_the_page(
    seen: str, listens_on: str, shared: str, address: str, reach: Reach
) -> None:
    found = audience_address(seen, listens_on=listens_on, shared=shared, network="192.168.1.7")
    assert found == (address, reach)


def test_a_machine_without_a_network_says_so() -> None:
    found = audience_address("http://127.0.0.1:7860/", listens_on=EVERYWHERE, network="")
    assert found == ("http://127.0.0.1:7860/room", Reach.MACHINE)


@pytest.mark.parametrize("seen", ["", "room", "javascript:alert(1)", "ftp://x/", "http://", "http://[x", "http://a:b/"])
def test_what_is_no_address_is_refused(seen: str) -> None:
    with pytest.raises(PlaygroundError, match="http://"):
        audience_address(seen, listens_on="127.0.0.1")


def test_the_code_is_black_on_white_with_a_quiet_zone() -> None:
    address = "https://me-playground.hf.space/room"
    drawn = code(address)
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawn)
    # 35 letters with error correction M are version 3 (ISO/IEC 18004, table 7), which has 29 modules a side.
    assert size is not None
    assert size.groups() == (f"{29 + 2 * QUIET_ZONE}",) * 2
    assert f'fill="#fff" d="M0 0h{29 + 2 * QUIET_ZONE}v' in drawn
    # The modules begin behind the quiet zone with the finder pattern, seven dark ones.
    assert f'stroke="#000" d="M{QUIET_ZONE} {QUIET_ZONE}.5h7' in drawn
    assert code(address) != code("https://me-playground.hf.spacf/room")


@pytest.mark.parametrize("wanted", ["", "https://evil.example/", "mailto:a@b/room", "https://a/" + "x" * 300 + "/room"])
def test_codes_are_made_of_audience_pages_only(wanted: str) -> None:
    with pytest.raises(PlaygroundError, match="audience page"):
        code(wanted)
