"""Data sets of the Hugging Face Hub, or a clear sentence at once."""

from playground.errors import DataError

SECONDS = 5
"""How long the Hub may take to say whether a data set is there."""


def load_from_hub(name: str, config: str | None, split: str) -> list[dict[str, object]]:
    """All rows of one split. In offline mode (HF_HUB_OFFLINE=1) only what an earlier load left on this machine.

    Raises:
        DataError: the Hub cannot be reached, or has no such data set, configuration or split.
    """
    _check_reachable(name)
    import datasets
    from huggingface_hub import errors

    try:
        loaded = datasets.load_dataset(name, config, split=split)
    except (ValueError, RuntimeError, FileNotFoundError, datasets.exceptions.DatasetsError) as error:
        raise DataError(f"The data set {name} cannot be read from the Hub: {error}") from error
    except (errors.HTTPError, OSError) as error:  # type: ignore[attr-defined]  # of its own HTTP client
        raise DataError(
            f"The data set {name} is neither bundled nor a file, and it cannot be had from the Hub now; "
            "check the network, or use a file or a bundled data set."
        ) from error
    # From Arrow as it stands, so that pictures and sounds in columns nobody asked for are not decoded.
    rows: list[dict[str, object]] = loaded.data.table.to_pylist()
    return rows


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
