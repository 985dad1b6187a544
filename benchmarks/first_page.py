"""Time from `python app.py` to the first page served, against what `import gradio` alone takes; budget: twice.

Both are measured in turn in one run, so that the ratio holds on a slow or busy machine too; medians are compared.

    python -m benchmarks.first_page [--rounds 5]
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "first_page.json"
BUDGET = 2.0


def import_seconds() -> float:
    """A new Python that only imports gradio."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import gradio"], check=True, cwd=ROOT, env=environment())
    return time.perf_counter() - begun


def page_seconds() -> float:
    """A new Python with the app, until it has answered a request for the page in full."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        own = {"PLAYGROUND_HOME": home, "GRADIO_SERVER_PORT": str(port), "PLAYGROUND_MODEL": "none"}
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment() | own, stdout=subprocess.DEVNULL
        )
        try:
            while not page_is_served(port):
                if process.poll() is not None:
                    raise SystemExit("The app ended before it served a page.")
                time.sleep(0.01)
            return time.perf_counter() - begun
        finally:
            process.terminate()
            process.wait()


def page_is_served(port: int) -> bool:
    """Whether the page came, whole."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status == 200 and b"Post-training Playground" in answer.read()
    except OSError:
        return False
    finally:
        connection.close()


def environment() -> dict[str, str]:
    """Without telemetry, whose thread would be counted too."""
    return {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}


def main() -> int:
    """Prints both medians and their ratio; exits 1 where the budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    machine = describe()
    import_seconds(), page_seconds()  # the first of each fills the disk's cache
    pairs = [(import_seconds(), page_seconds()) for _ in range(rounds)]
    alone, page = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = page / alone
    print(f"import gradio alone     {alone:6.2f} s")
    print(f"app.py to first page    {page:6.2f} s")
    print(f"ratio                   {ratio:6.2f}   (budget {BUDGET:.1f})")
    found = {"unit": "s", "budget_ratio": BUDGET, "import_gradio": round(alone, 2), "first_page": round(page, 2)}
    results = {**found, "ratio": round(ratio, 3), "rounds": rounds, "machine": machine}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if ratio <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
