"""The Room tab before a host and a participant: rules that hold at once, and one press for the next group.

An app of its own: the shared ones have no host key, so that everybody in them is the host.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener, Server, running_app
from tests.browser.test_journey import fill
from tests.browser.test_shell import open_tab

pytestmark = pytest.mark.browser

KEY = "the-key-of-this-rooms-host"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_app(tmp_path_factory.mktemp("room-home"), PLAYGROUND_MODEL="tiny", PLAYGROUND_HOST_KEY=KEY) as running:
        running.wait_for("ready")
        yield running


def test_a_host_leads_a_room_and_hands_it_to_the_next_group(open_page: Opener, app: Server) -> None:
    host, guest = open_page(f"?host={KEY}"), open_page(width=390, dark=True)
    assert KEY not in host.url
    open_tab(host, "room")
    open_tab(guest, "room")
    expect(guest.locator("#room-guide")).to_contain_text("What you may do")
    expect(guest.locator("#room-guide")).to_contain_text("at most 500 steps")
    expect(guest.locator("#room-host")).to_have_count(0)
    expect(host.locator("#room-link-host")).to_be_visible()
    assert KEY not in host.content()
    assert KEY not in guest.content()

    # What the host sets is on the participant's page without a reload, and holds.
    open_tab(guest, "train")
    expect(guest.locator("#train-room")).to_contain_text("at most 500 steps")
    steps = host.locator("#set-room-max-steps input")
    steps.fill("0")
    host.locator("#room-rules-save").click()
    expect(host.locator("#room-rules-said")).to_contain_text("room.max_steps must be at least 1; got 0")
    steps.fill("50")
    host.locator("#room-rules-save").click()
    expect(host.locator("#room-rules-said")).to_contain_text("In force for everybody")
    expect(guest.locator("#train-room")).to_contain_text("at most 50 steps")
    guest.locator("#train-start").click()
    expect(guest.locator("#train-estimate")).to_contain_text(
        "training.max_steps asks for 320 steps, and participants may have 50."
    )
    fill(guest, "training-max-steps", "50")
    guest.locator("#train-start").click()
    expect(guest.locator("#train-live")).to_contain_text(re.compile("Waiting|Preparing|Running"))

    # By keyboard: the question comes first, and Escape is a no.
    ask = host.locator("#room-reset-ask")
    ask.press("Enter")
    dialog = host.locator("#room-reset-dialog")
    expect(dialog).to_contain_text("What waits or goes on is stopped (1)")
    host.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    ask.press("Enter")
    expect(dialog).to_be_visible()  # its words are still those of the first time
    expect(dialog).to_contain_text("Nobody has voted")
    host.locator("#room-reset-do").press("Enter")
    expect(host.locator("#room-reset")).to_contain_text("Stopped: 1; archived: 1", timeout=90_000)
    expect(host.locator("#pp-chip")).to_contain_text("No model loaded")

    # Put aside, not gone.
    open_tab(host, "history")
    expect(host.locator("#history-table")).to_contain_text(re.compile("Nothing|No run|none", re.I))
    host.locator("#history-phase").select_option("archived")
    host.locator(".ph-table tbody input[type=checkbox]").check()
    host.locator("#history-restore").click()
    expect(host.locator("#history-table")).to_contain_text("1 brought back.")
    host.locator("#history-phase").select_option("all")
    expect(host.locator(".ph-table tbody tr")).to_have_count(1)
    assert app.log.read_text().count(KEY) == 1
