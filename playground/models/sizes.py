"""How large a model is when it is written out, told from headers alone. Light: no torch."""

from pathlib import Path

from playground.config.run import ModelRef
from playground.models import catalogue
from playground.models.fetch import names_a_folder
from playground.models.folder import weights_of
from playground.models.lineage import lineage_of
from playground.models.memory import ITEM_BYTES, parameters_of


def written_bytes(ref: ModelRef) -> int:
    """About how much `merging.write_model` writes; 0 for a model that is not on this machine.

    Raises:
        ModelError: it left no weights, or they are damaged.
    """
    lineage = lineage_of(ref)
    folder = lineage.weights or _here(lineage.base)
    if folder is None:
        return 0
    if lineage.adapters:
        return ITEM_BYTES["float32"] * parameters_of(folder)
    return sum(file.stat().st_size for file in weights_of(folder).files)


def _here(base: str) -> Path | None:
    return Path(base).expanduser() if names_a_folder(base) else catalogue.local_folder(base)
