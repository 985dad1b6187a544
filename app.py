"""Builds and launches the playground; `demo` is what Hugging Face Spaces looks for."""

if __name__ != "__mp_main__":  # a worker process imports this file again, and must start without the page's imports
    from playground.ui.app import build, launch
    from playground.ui.services import Services

    services = Services()
    demo = build(services)

if __name__ == "__main__":
    launch(services=services, demo=demo)
