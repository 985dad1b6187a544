"""The tour on the bundled model, by the command line: what each stage costs, and what it moves.

    python -m benchmarks.tour

Budget: five minutes on two cores. The world that the model knows also judges DPO itself, by what is so in it and by
manners, without a model: `dpo_win_rate_by_the_world`.
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
from scripts.tiny.judge import win_rate

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "tour.json"
BUDGET_SECONDS = 300


def main() -> None:
    """Runs, prints and keeps."""
    machine = describe()
    with tempfile.TemporaryDirectory() as home:
        began, busy = time.perf_counter(), os.times()
        report = tour(home)
        whole, spent = time.perf_counter() - began, os.times()
        runs = {stage["name"]: stage["run"] for stage in report["stages"]}
        rows = json.loads((Path(home) / "runs" / runs["compare"] / "examples.json").read_text(encoding="utf-8"))
    after, before = ([row["answers"][model] for row in rows] for model in (runs["dpo"], "base"))
    won = win_rate([row["instruction"] for row in rows], after, before)
    processor = spent.children_user + spent.children_system - busy.children_user - busy.children_system
    found = {
        **report,
        "command_seconds": round(whole, 1),
        "processor_seconds": round(processor, 1),
        "budget_seconds": BUDGET_SECONDS,
        "dpo_win_rate_by_the_world": round(won.rate, 3),
        "dpo_win_rate_by_the_world_interval": [round(won.low, 3), round(won.high, 3)],
        "machine": machine,
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


def tour(home: str) -> dict[str, Any]:
    """What `tour --json` prints."""
    environment = os.environ | {"PLAYGROUND_HOME": home, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "playground", "tour", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    main()
