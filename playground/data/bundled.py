"""The data sets that come with the playground."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playground.data.parts import Part

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "data"


@dataclass(frozen=True)
class BundledData:
    """A data set under `assets/data`."""

    name: str
    """What `data.source` calls it."""
    file: str
    """Its file; empty for a set in parts."""
    description: str
    """A sentence for people; `assets/i18n` has it under `data.bundled.<name>` too."""
    parts: Mapping[Part, str] = field(default_factory=dict)
    """The file of each part, for a set that keeps its own held-out rows."""

    @property
    def paths(self) -> Mapping[Part, Path]:
        """Where its parts lie; a set of one file is all `train`."""
        files: Mapping[Part, str] = self.parts or {"train": self.file}
        return {part: FOLDER / file for part, file in files.items()}


def _lumen(name: str, ending: str, description: str) -> BundledData:
    parts: dict[Part, str] = {"train": f"lumen-{name}.train.{ending}", "test": f"lumen-{name}.test.{ending}"}
    return BundledData(f"lumen-{name}", "", description, parts)


BUNDLED: tuple[BundledData, ...] = (
    BundledData(
        "instructions",
        "instructions.json",
        "600 short English tasks with full-sentence answers: opposites, plurals, tenses, sorting, counting, units "
        "and more; written by a script of this project.",
    ),
    _lumen(
        "instructions",
        "json",
        "Questions and small tasks about the town of Lumen, the world of the bundled model, with full-sentence "
        "answers; written by a script of this project.",
    ),
    _lumen(
        "preferences",
        "jsonl",
        "Pairs of answers to questions about Lumen: polite against rude, right against wrong; written by a script of "
        "this project.",
    ),
    _lumen(
        "manners",
        "jsonl",
        "Pairs of answers to questions about Lumen, both of them right: polite before plain, plain before rude; "
        "written by a script of this project.",
    ),
    _lumen(
        "sentiment",
        "csv",
        "Short reviews of Lumen's films, positive or negative; written by a script of this project.",
    ),
    _lumen(
        "openings",
        "jsonl",
        "First words of reviews of Lumen's films, without answers: prompts for PPO; written by a script of this "
        "project.",
    ),
)


def find(name: str) -> BundledData | None:
    """The data set of this name, if there is one."""
    return next((found for found in BUNDLED if found.name == name), None)
