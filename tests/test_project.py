"""The project's own promises: a Space starts from the repository as it is, and pins are exact."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 10_000_000
"""Bytes from which the Hub wants a file in LFS."""
SHORT_DESCRIPTION = 60
"""Characters that the Hub allows."""


@pytest.fixture(scope="module")
def front_matter() -> dict[str, object]:
    """What the README tells a Space."""
    _, block, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    found: dict[str, object] = yaml.safe_load(block)
    return found


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    return dict(re.fullmatch(r"([\w.-]+?)((?:[=<>!~]=?|===).*)", line).groups() for line in lines)  # type: ignore[union-attr,misc]


def test_the_front_matter_starts_the_app_that_is_here(front_matter: dict[str, object]) -> None:
    assert front_matter["sdk"] == "gradio"
    assert f"=={front_matter['sdk_version']}" == pins()["gradio"]
    assert (ROOT / str(front_matter["app_file"])).is_file()
    assert front_matter["python_version"] == "3.12.12"
    assert front_matter["license"] == "apache-2.0"
    assert len(str(front_matter["short_description"])) <= SHORT_DESCRIPTION


def test_requirements_are_exact_but_for_torch() -> None:
    loose = {name: pin for name, pin in pins().items() if not pin.startswith("==")}
    assert loose == {"torch": ">=2.8,<=2.13.0"}


def test_no_file_is_too_large_for_the_hub() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert files
    assert [file.name for file in files if file.is_file() and file.stat().st_size >= LARGEST] == []


def test_the_readme_shows_pictures_that_are_here() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert pictures
    assert [place for place in pictures if not (ROOT / place).is_file()] == []


IMPORTED = re.compile(r'import\s*\{([^}]*)\}\s*from\s*"\./([\w.]+)"')
EXPORTED = re.compile(r"^export\s+(?:async\s+)?(?:function\*?|const|let|class)\s+(\w+)", re.MULTILINE)


def test_scripts_import_what_their_modules_export() -> None:
    folder = ROOT / "assets" / "js"
    exported = {path.name: set(EXPORTED.findall(path.read_text())) for path in folder.glob("*.js")}
    missing = [
        f"{path.name}: {name} from {module}"
        for path in sorted(folder.glob("*.js"))
        for names, module in IMPORTED.findall(path.read_text())
        for name in (each.split(" as ")[0].strip() for each in names.split(","))
        if name and name not in exported[module]
    ]
    assert not missing, missing
