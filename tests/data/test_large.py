"""Large files: memory that does not grow with them, and the same rows as a small one gives."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from playground.config.run import DataSettings
from playground.data import readers
from playground.data.loading import load_rows
from playground.errors import DataError

ROWS = 200_000

WRITE = {
    "jsonl": """
with open(path, "w") as file:
    for place in range(rows):
        file.write(json.dumps({"instruction": f"Say {place}.", "input": "", "output": "x" * 100 + str(place)}) + "\\n")
""",
    "csv": """
with open(path, "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["instruction", "output"])
    for place in range(rows):
        writer.writerow([f"Say {place}.", "x" * 100 + str(place)])
""",
    "parquet": """
import pyarrow.parquet
asked, answers = ([f"Say {place}." for place in range(rows)], ["x" * 100 + str(place) for place in range(rows)])
pyarrow.parquet.write_table(pyarrow.table({"instruction": asked, "output": answers}), path, row_group_size=10_000)
del asked, answers
""",
}

MEASURE = """
import json, sys
import pyarrow.parquet  # what it takes by itself is not counted
from playground.config.run import DataSettings
from playground.data.splits import prepare

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

before = peak()
splits = prepare(DataSettings(source=sys.argv[1]))
print(json.dumps({
    "kib": peak() - before,
    "sizes": [len(splits.train), len(splits.test), len(splits.validation)],
    "answer": splits.test[7].answer,
}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of the memory from /proc")
@pytest.mark.parametrize("ending", WRITE)
def test_memory_does_not_grow_with_the_rows(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows.{ending}"
    code = f"import csv, json\npath, rows = {str(path)!r}, {ROWS}\n{WRITE[ending]}"
    subprocess.run([sys.executable, "-c", code], check=True)
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["sizes"] == [170_000, 20_000, 10_000]
    assert found["answer"] == "x" * 100 + "170007"
    # As Python objects the rows take 100 MB and more.
    assert found["kib"] < 50_000


def test_an_array_that_is_too_large_is_refused_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "LARGEST_JSON", 10)
    path = tmp_path / "rows.json"
    path.write_text('[{"text": "a"}]')
    with pytest.raises(DataError, match=r"write it as JSON Lines \(\.jsonl\)"):
        load_rows(DataSettings(source=str(path)))
