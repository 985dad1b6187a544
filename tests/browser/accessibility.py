"""What axe-core has against a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SERIOUS = ("serious", "critical")


def violations(page: Page, within: str | None = None) -> list[str]:
    """All that is wrong in the part that the selector `within` names, or in the page: a rule and where it is broken."""
    return _told(page, within, None)


def serious_violations(page: Page, within: str | None = None) -> list[str]:
    """As `violations`, without what axe calls minor or moderate, of which Gradio's own parts have some."""
    return _told(page, within, SERIOUS)


def _told(page: Page, within: str | None, impacts: tuple[str, ...] | None) -> list[str]:
    return [
        f"{found['id']}: {found['help']}: {[node['html'][:200] for node in found['nodes']]}"
        for found in Axe().run(page, context=within).response["violations"]
        if impacts is None or found["impact"] in impacts
    ]
