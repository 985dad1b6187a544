"""Builds and launches the playground; `demo` is what Hugging Face Spaces looks for."""

from playground.ui.app import build, launch
from playground.ui.services import Services

if __name__ != "__mp_main__":  # a worker process imports this file again and needs no page
    services = Services()
    demo = build(services)

if __name__ == "__main__":
    launch(services=services, demo=demo)
