"""Data sets of the Hugging Face Hub, or a clear sentence at once."""

from collections.abc import Iterator, Mapping
from typing import Any

from playground.data.parts import PARTS, Part
from playground.errors import DataError

SECONDS = 5
"""How long the Hub may take to say whether a data set is there."""
BATCH = 1024
"""Rows that are made from Arrow at once."""


def load_from_hub(
    name: str, config: str | None, split: str, *, own_parts: bool = False
) -> Mapping[Part, Iterator[dict[str, object]]]:
    """The rows of one split, as the part `train`. In offline mode (HF_HUB_OFFLINE=1) only what an earlier load left on
    this machine.

    Args:
        own_parts: also the fellows of the split, where there are any: `test` and `validation` of `train`, `test_sft`
            of `train_sft`.

    Raises:
        DataError: the Hub cannot be reached, or has no such data set, configuration or split.
    """
    _check_reachable(name)
    import datasets
    from huggingface_hub import errors

    try:
        parts = _parts(name, config, split) if own_parts else {}
        loaded = parts or {"train": datasets.load_dataset(name, config, split=split)}
    except (ValueError, RuntimeError, FileNotFoundError, datasets.exceptions.DatasetsError) as error:
        raise DataError(f"The data set {name} cannot be read from the Hub: {error}") from error
    except (errors.HTTPError, OSError) as error:  # type: ignore[attr-defined]  # of its own HTTP client
        raise DataError(
            f"The data set {name} is neither bundled nor a file, and it cannot be had from the Hub now; "
            "check the network, or use a file or a bundled data set."
        ) from error
    return {part: _rows(found) for part, found in loaded.items()}


def _parts(name: str, config: str | None, split: str) -> dict[Part, Any]:
    """The split and its fellows; none where there is no such split as a whole."""
    import datasets

    whole = datasets.load_dataset(name, config)
    if split not in whole or "train" not in split:
        return {}
    return {part: whole[fellow] for part in PARTS if (fellow := split.replace("train", part)) in whole}


def _rows(loaded: Any) -> Iterator[dict[str, object]]:
    # From Arrow as it stands, so that pictures and sounds in columns nobody asked for are not decoded.
    for batch in loaded.data.table.to_batches(max_chunksize=BATCH):
        yield from batch.to_pylist()


def _check_reachable(name: str) -> None:
    """Asks the Hub once. `load_dataset` tries six times over 23 s before it says that there is no network."""
    from huggingface_hub import HfApi, errors

    try:
        HfApi().dataset_info(name, timeout=SECONDS)
    except errors.OfflineModeIsEnabled:
        return
    except errors.GatedRepoError as error:
        raise DataError(
            f"The data set {name} is gated; accept its terms on the Hub and set HF_TOKEN to a token of that account."
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise DataError(
            f"There is no data set {name}: it is neither bundled nor a file nor on the Hub (or private, and HF_TOKEN "
            "does not open it)."
        ) from error
    except (errors.HTTPError, OSError) as error:  # type: ignore[attr-defined]  # of its own HTTP client
        raise DataError(
            f"The data set {name} is neither bundled nor a file, and the Hub does not answer; check the network, "
            "use a file or a bundled data set, or set HF_HUB_OFFLINE=1 to use what was loaded before."
        ) from error
