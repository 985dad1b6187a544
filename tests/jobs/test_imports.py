"""What must not be imported where."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = "{'torch', 'transformers', 'trl', 'peft', 'datasets', 'gradio'}"


@pytest.mark.parametrize(
    "code",
    [
        "from playground.jobs import executors, foreground, manager, process, submission",
        "import runpy; runpy.run_path('app.py', run_name='__mp_main__')",
    ],
    ids=["the queue", "the main script in a worker"],
)
def test_stays_light(code: str) -> None:
    check = f"{code}\nimport sys\nsys.exit(', '.join({HEAVY} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
