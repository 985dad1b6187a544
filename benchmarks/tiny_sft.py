"""The ready run `tiny-sft` and its evaluation, by the command line: seconds, and BLEU before and after.

    python -m benchmarks.tiny_sft

Budget: the run under 60 s on two cores, BLEU on the whole held-out part from below 5 to above 50.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import describe

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "tiny_sft.json"
BUDGET_SECONDS = 60


def main() -> None:
    """Runs, prints and keeps."""
    machine = describe()
    with tempfile.TemporaryDirectory() as home:
        began = time.perf_counter()
        run = playground(home, "run", "tiny-sft")
        whole = time.perf_counter() - began
        scores = playground(home, "evaluate", run["run"])
    found = {
        "run_seconds": run["seconds"],
        "command_seconds": round(whole, 1),
        "budget_seconds": BUDGET_SECONDS,
        "steps": run["steps"],
        "examples": scores["examples"],
        "base": scores["base"],
        "tuned": scores["tuned"],
        "signature": scores["signature"],
        "machine": machine,
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


def playground(home: str, *arguments: str) -> dict[str, Any]:
    """What a verb of the command line prints with `--json`."""
    command = [sys.executable, "-m", "playground", *arguments, "--json"]
    environment = os.environ | {"PLAYGROUND_HOME": home, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    main()
