"""How many numbers a run trained, told from its config and the headers of its files. No torch, no weight is read."""

from pathlib import Path

from playground.config.run import AdapterSettings
from playground.errors import ModelError
from playground.models.memory import parameters_of, prompt_weights, shapes_of

ADAPTER_WEIGHTS = "adapter_model.safetensors"


def trained_weights(folder: Path, adapter: AdapterSettings) -> int | None:
    """Of an adapter's folder, or of one with every weight; None where it cannot be told.

    What p-tuning keeps is what its network has written; the network is counted too, as it was trained.
    """
    try:
        if adapter.kind == "none":
            return parameters_of(folder)
        shapes = shapes_of(folder / ADAPTER_WEIGHTS)
    except (ModelError, OSError):
        return None
    if adapter.is_prompt:
        return prompt_weights(shapes[0].shape[1], adapter) if shapes else None
    return sum(tensor.items for tensor in shapes)
