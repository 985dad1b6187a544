"""Whether an adapter's targets are the model's own, told from the names in its files before a run is queued.

Light: no torch. What cannot be told from here (a model that has yet to be fetched, pickled weights) is checked once the
model is loaded, by `adapters.check_targets`.
"""

import difflib
from pathlib import Path

from playground.config.run import ModelRef, RunConfig
from playground.errors import ModelError
from playground.models import catalogue
from playground.models.fetch import names_a_folder
from playground.models.lineage import lineage_of
from playground.models.memory import tensors_of

EMBEDDINGS = ("embed", "wte", "wpe", "lm_head")
"""Parts of the names of matrices that are no layers between tokens; the output layer is left to the later check."""


def check_targets_early(config: RunConfig) -> None:
    """Looks the targets up where the model lies on this machine.

    Raises:
        ModelError: one names no module that can get an adapter; lists the model's own names.
    """
    targets = config.adapter.targets
    if config.adapter.kind != "lora" or not targets or targets == ("all-linear",):
        return
    modules = _modules(config.model)
    for target in targets if modules else ():
        if target == "lm_head" or any(path == target or path.endswith(f".{target}") for path in modules):
            continue
        names = list(dict.fromkeys(path.rsplit(".", 1)[-1] for path in modules))
        close = difflib.get_close_matches(target, names, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ModelError(f"The model has no module {target}; {hint}It has {', '.join(names)}.")


def _modules(ref: ModelRef) -> list[str]:
    """Paths of the model's linear layers; none where they cannot be told from here."""
    try:
        lineage = lineage_of(ref)
        folder = lineage.weights or _folder_of(lineage.base)
        tensors = tensors_of(folder) if folder is not None else []
    except ModelError:  # the run itself says what is wrong with its model
        return []
    matrices = (tensor.name.removesuffix(".weight") for tensor in tensors if len(tensor.shape) == 2)
    return [path for path in matrices if not any(part in path.rsplit(".", 1)[-1] for part in EMBEDDINGS)]


def _folder_of(model: str) -> Path | None:
    return Path(model).expanduser() if names_a_folder(model) else catalogue.local_folder(model)
