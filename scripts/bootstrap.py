"""Sets up the playground's own virtual environment with nothing but a Python; used by the Makefile.

Usage: python scripts/bootstrap.py [--dev]      makes or refreshes .venv and prints what it does

Runs on any Python 3 far enough to say that it is too old, so it uses no newer syntax. TORCH_INDEX names another
package index for torch alone, such as the one with CPU-only builds.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed"


def refuse(problem, remedy):
    """Ends with what is wrong and the command that mends it."""
    sys.exit(f"\n{problem}\n\n    {remedy}\n")


def check_python():
    """The interpreter is new enough and can make virtual environments."""
    version = "{}.{}".format(*sys.version_info[:2])
    if sys.version_info < OLDEST:
        refuse(
            f"The playground needs Python 3.11 or newer; {sys.executable} is {version}. Install one, then name it:",
            "make demo PYTHON=python3.11        # Debian and Ubuntu: sudo apt install python3.11 python3.11-venv",
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        refuse(
            "This Python cannot make virtual environments: Debian and Ubuntu package that apart. Install it:",
            f"sudo apt install python{version}-venv",
        )


def wanted(files):
    """What an up-to-date environment was made from, as a hash."""
    content = [sys.version.encode(), os.environ.get("TORCH_INDEX", "").encode()]
    content += [(ROOT / name).read_bytes() for name in files]
    return hashlib.sha256(b"\0".join(content)).hexdigest()


def install(files):
    """Makes .venv where it is missing and installs what the requirement files ask for."""
    if not PYTHON.exists():
        print("Making .venv with Python {}.{}.{} …".format(*sys.version_info[:3]), flush=True)
        subprocess.check_call([sys.executable, "-m", "venv", str(VENV)])
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    index = os.environ.get("TORCH_INDEX")
    if index:
        torch = next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch"))
        print(f"Installing torch from {index} …", flush=True)
        subprocess.check_call([*pip, "--index-url", index, torch])
    print(f"Installing {files[-1]} (the first time takes a few minutes) …", flush=True)
    subprocess.check_call([*pip, "-r", str(ROOT / files[-1])])


def main():
    """Brings .venv up to date, quickly where it already is."""
    check_python()
    dev = "--dev" in sys.argv[1:]
    files = ["requirements.txt", "requirements-dev.txt"] if dev else ["requirements.txt"]
    known = STAMP.read_text().splitlines() if STAMP.exists() and PYTHON.exists() else []
    if wanted(files) in known:
        return
    try:
        install(files)
    except subprocess.CalledProcessError as error:
        refuse("A step of the set-up failed (see above).", " ".join(str(part) for part in error.cmd))
    both = [wanted(["requirements.txt"]), wanted(["requirements.txt", "requirements-dev.txt"])]
    STAMP.write_text("\n".join(both if dev else both[:1]) + "\n")


if __name__ == "__main__":
    main()
