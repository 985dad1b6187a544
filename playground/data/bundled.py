"""The data sets that come with the playground."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "data"


@dataclass(frozen=True)
class BundledData:
    """A data set under `assets/data`."""

    name: str
    """What `data.source` calls it."""
    file: str
    description: str
    """A sentence for people; `assets/i18n` has it under `data.bundled.<name>` too."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        return FOLDER / self.file


BUNDLED: tuple[BundledData, ...] = (
    BundledData(
        "instructions",
        "instructions.json",
        "600 short English tasks with full-sentence answers: opposites, plurals, tenses, sorting, counting, units "
        "and more; written by a script of this project.",
    ),
)


def find(name: str) -> BundledData | None:
    """The data set of this name, if there is one."""
    return next((found for found in BUNDLED if found.name == name), None)
