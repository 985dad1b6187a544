"""Opening a file must not wait for torch: everything but masking is light."""

import subprocess
import sys

LIGHT = ("records", "loading", "hub", "formats", "templates", "splits", "bundled")


def test_data_is_light_at_import() -> None:
    modules = ", ".join(f"playground.data.{name}" for name in LIGHT)
    heavy = "{'torch', 'transformers', 'datasets', 'pandas', 'pyarrow', 'huggingface_hub'}"
    code = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
