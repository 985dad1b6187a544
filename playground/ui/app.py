"""Builds the page and launches it.

The tab contract. A tab is a module in `playground.ui.tabs`, named in `TABS`, with

    def build(services: Services, shell: Shell) -> SomethingTab        # a frozen dataclass of its components

called inside its own `gr.Tab`. It lays out and wires; named module-level handlers do the work. Handlers
- are wrapped in `errors.shown`, so that a `PlaygroundError` is shown as its sentence;
- that change something take `shell.person` and a `gr.Request` and begin with `identity.identify`, `require_owner` or
  `require_host`: hidden and disabled controls protect nothing;
- that people would call from a script have a plain `api_name`; all others pass `api_visibility="private"`;
- never put data into HTML templates: JavaScript writes it by `textContent`.
Components that tests or scripts need have an `elem_id` that begins with the tab's name: "model-load".
A widget's JavaScript is an ES module in `assets/js`; `widgets.widget` mounts it.
There: `playground.text(key, {name: value})`, `playground.url("metrics?run=…")`, and the event
`playground:status` on window, with the model server's state as `detail`, at every poll.
"""

import contextlib
import json
import os
import secrets
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from playground.surroundings import Place, place, space_address
from playground.ui import api, identity, routes, sessions, tour_view
from playground.ui.delivery import Delivery
from playground.ui.i18n import text, translations
from playground.ui.opening import Opening
from playground.ui.pacing import Gate
from playground.ui.page import Page
from playground.ui.posted import Posted
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.shortcut import Shortcut
from playground.ui.tabs import compare, data, distribution, evaluate, history, room, train
from playground.ui.tabs import model as model_tab
from playground.ui.theme import theme

TITLE = "Post-training Playground"
TABS: dict[str, Callable[[Services, Shell], object]] = {
    "model": model_tab.build,
    "distribution": distribution.build,
    "data": data.build,
    "train": train.build,
    "compare": compare.build,
    "evaluate": evaluate.build,
    "history": history.build,
    "room": room.build,
}
"""In the order in which they stand; the name is the tab's id and the end of the key of its title."""
STYLES = (
    "playground",
    "data",
    "figures",
    "train",
    "reward",
    "dpo",
    "ppo",
    "compare",
    "chat",
    "votes",
    "lessons",
    "evaluate",
    "history",
    "takeaway",
    "tour",
    "room",
    "stage",
)
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
LARGEST_UPLOAD = "200mb"
DAY = 24 * 3600
MONITORING = {"GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9), "GRADIO_ANALYTICS_MAX_EVENTS": "100"}
"""Gradio's page of statistics is off, but it would still sum up the last 10,000 events anew after each one: a third of
what a page's opening takes."""

HEADER = """
<header class="pp-header">
  <h1>Post-training <span>Playground</span></h1>
  <div class="pp-tour-way"></div>
  <div class="pp-chip" id="pp-chip" role="status" aria-live="polite"></div>
</header>
"""


def build(services: Services) -> gr.Blocks:
    """The whole page. Imports neither torch nor transformers, opens nothing."""
    demo: Page
    with Page(title=TITLE, analytics_enabled=False, delete_cache=(3600, DAY), fill_width=False) as demo:
        # The secret only scrambles what the browser itself keeps; it must stay the same for a reload to find it.
        person = gr.BrowserState(None, storage_key="playground-person", secret="playground-person")  # noqa: S106
        prompt = gr.BrowserState("", storage_key="playground-prompt", secret="playground-prompt")  # noqa: S106
        run = gr.BrowserState("", storage_key="playground-run", secret="playground-run")  # noqa: S106
        opened_data = gr.BrowserState(None, storage_key="playground-data", secret="playground-data")  # noqa: S106
        handed = gr.State(None)
        status = gr.HTML(
            html_template=HEADER,
            js_on_load="playground.module('js/status.js').then(m => m.mountChip(element, () => trigger('change')))",
            elem_id="shell-header",
            elem_classes="pp-bare",
            apply_default_css=False,
        )
        welcomed = demo.load(
            welcome,
            [person],
            [person],
            js="person => playground.withHostKey(person)",
            api_visibility="private",
            queue=False,
            show_progress="hidden",
        )
        opened = Opening(welcomed)
        tour = tour_view.build()
        with gr.Tabs(elem_id="shell-tabs") as tabs:
            for name, build_tab in TABS.items():
                with gr.Tab(text(f"tab.{name}"), id=name, elem_id=f"tab-{name}") as tab:
                    build_tab(services, Shell(person, prompt, run, opened_data, handed, opened, status, tabs, tab))
        tour_view.wire(tour, services, person, handed, tabs, opened)
        opened.wire()
        api.register(services)
    os.environ.update(MONITORING)
    demo.queue(max_size=256, default_concurrency_limit=8, api_open=False)
    return demo


def welcome(person: dict[str, str] | None) -> dict[str, str]:
    """Gives a new browser its key; a host key that came in the page's address (`?host=KEY`) is in `person` by now."""
    known = person or {}
    return {**known, "key": known.get("key") or identity.new_person()["key"], "host": known.get("host") or ""}


def launch(
    host: str | None = None,
    port: int | None = None,
    share: bool = False,
    *,
    root_path: str = "",
    model: str | None = None,
    services: Services | None = None,
    demo: gr.Blocks | None = None,
    block: bool = True,
) -> Services:
    """Serves the page, prints its address, and begins the heavy work in the background.

    Args:
        host: the address to listen on; `GRADIO_SERVER_NAME`, as Spaces and containers set it, or this machine only.
        port: the first free one from 7860 on where None.
        root_path: the folder under which a proxy shows the app; `GRADIO_ROOT_PATH` where empty.
        model: loaded in the background instead of the services' own; "none" loads nothing.
        block: return only when the app is to end: by Ctrl-C, or by SIGTERM, as `docker stop` has it.
    """
    host = host or os.environ.get("GRADIO_SERVER_NAME") or LOOPBACK_HOSTS[0]
    services = services or Services()
    services.model = model or services.model
    services.rules.check()
    demo = demo or build(services)
    if place() is Place.ZERO_GPU:
        from playground.jobs.lending import borrowing

        borrowing()
    _choose_host_key(host, share)
    ours = routes.routes(services)
    app, local, shared = demo.launch(
        server_name=host,
        server_port=port,
        share=share,
        root_path=root_path or None,
        prevent_thread_lock=True,
        quiet=True,
        inbrowser=False,
        footer_links=["api", "settings"],
        run_history=False,
        allowed_paths=[],
        max_file_size=LARGEST_UPLOAD,
        enable_monitoring=False,
        strict_cors=True,
        ssr_mode=False,
        pwa=False,
        app_kwargs={
            "routes": ours,
            "middleware": [
                Middleware(Shortcut, routes=ours),
                Middleware(Gate, services=services),
                Middleware(Posted),
                Middleware(Delivery),
            ],
        },
        i18n=translations(),
        theme=theme(),
        head=_head(),
        # Gradio would ask its own page for a sign of life, and end the app where that takes three seconds.
        _frontend=False,
    )
    sessions.install(app, demo)
    services.listens_on, services.shared = host, shared or ""
    _announce(local, shared)
    services.start()
    if block:
        _wait_for_the_end()
        # First, for a container waits ten seconds only, and runs have to save; pages see them stop.
        services.close()
        services.audience.closing = True
        demo.close(verbose=False)
    return services


def _wait_for_the_end() -> None:
    # In a container nobody else handles them: the first process is spared what ends others, until it is killed. Nor
    # does Python where a script has begun the app in its background.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


def _choose_host_key(host: str, share: bool) -> None:
    """Where others can reach the page, sitting at the machine proves nothing, so the host needs a key."""
    open_to_others = host not in LOOPBACK_HOSTS or share or place().is_space
    if open_to_others and not os.environ.get(identity.HOST_KEY_VARIABLE):
        os.environ[identity.HOST_KEY_VARIABLE] = secrets.token_urlsafe(24)


def _announce(local: str, shared: str | None) -> None:
    """Prints the addresses; this is what a person who typed the command waits for."""
    key = os.environ.get(identity.HOST_KEY_VARIABLE)
    lines = [f"{TITLE}: {local}", *([f"For others: {shared}"] if shared else [])]
    if key:
        lines.append(f"You are the host when you open: {shared or space_address() or local}?host={key}")
    print("\n".join(lines), flush=True)  # noqa: T201


def _head() -> str:
    """What JavaScript and CSS of ours begin with; the texts are those that Gradio has put into the page already."""
    base = json.dumps(f"playground/assets/{routes.assets_version()}/")
    script = (Path(routes.ASSETS) / "js" / "shell.js").read_text(encoding="utf-8").replace('"ASSETS"', base)
    sheets = "".join(f'<link rel="stylesheet" href="{routes.asset(f"css/{name}.css")}">' for name in STYLES)
    return f"{sheets}<script>{script}</script>"
