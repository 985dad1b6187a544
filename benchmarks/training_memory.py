"""The memory that a run was said to need against the peak of its process, for LoRA and for every weight.

    python -m benchmarks.training_memory [--data FILE]

Budget: within 25 % of each other on the real model.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from benchmarks.model import DEFAULT, folder_of
from playground.config import codec
from playground.config.run import DataSettings
from playground.data.loading import load_rows
from playground.ui.services import Services

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "training_memory.json"
BUDGET = 0.25
LONG_ROWS = 32
QUICK = {"max_steps": 3, "eval_steps": 0, "sample_steps": 0}
CASES: dict[str, dict[str, Any]] = {
    "LoRA, 4 rows": {"training": {**QUICK, "batch_size": 4}},
    "LoRA, 16 rows": {"training": {**QUICK, "batch_size": 16}},
    "LoRA, 16 rows, checkpointing": {"training": {**QUICK, "batch_size": 16, "gradient_checkpointing": True}},
    "every weight, 4 rows": {"adapter": {"kind": "none"}, "training": {**QUICK, "batch_size": 4}},
    "every weight, 8 rows, Adafactor": {
        "adapter": {"kind": "none"},
        "training": {**QUICK, "batch_size": 8, "optimizer": "adafactor"},
    },
}


def main() -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", default="instructions", help="a bundled data set or a file")
    data = parser.parse_args().data
    machine = describe()
    folder = folder_of(DEFAULT)
    with tempfile.TemporaryDirectory() as home:
        rows = {"source": long_rows(data, Path(home)), "split": [1.0, 0.0]}
        found = {name: measure(home, {**case, "data": rows}, str(folder)) for name, case in CASES.items()}
    worst = max(abs(case["said_over_peak"] - 1) for case in found.values())
    results = {"unit": "GB", "budget": BUDGET, "worst": round(worst, 3), "cases": found, "machine": machine}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def long_rows(source: str, folder: Path) -> str:
    """A file of the longest rows of some data: among all of them a short run would meet the longest only by luck."""
    rows = sorted(load_rows(DataSettings(source=source)).rows, key=lambda row: len(json.dumps(row)))
    path = folder / "rows.json"
    path.write_text(json.dumps(list(rows[-LONG_ROWS:])), encoding="utf-8")
    return str(path)


def measure(home: str, document: dict[str, Any], model: str) -> dict[str, Any]:
    """What was said of one short run, and the peak that it reports itself."""
    services = Services("none")
    services.model_server()
    config = codec.decode({**document, "model": model})
    said = services.training_memory(config, read_data=True)
    assert said is not None
    path = Path(home) / "config.json"
    path.write_text(codec.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "playground", "run", str(path), "--json"]
    environment = os.environ | {"PLAYGROUND_HOME": home, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    peak = json.loads(done.stdout.splitlines()[-1])["metrics"]["memory_gb"]
    return {
        "said": round(said["bytes"] / 1e9, 2),
        "peak": round(peak, 2),
        "said_over_peak": round(said["bytes"] / 1e9 / peak, 3),
        "longest_row": said["longest_row"],
    }


if __name__ == "__main__":
    main()
