"""Numbers for the page as a text, which Gradio hands on as it is; it copies and compares every number of a list."""

import base64
from collections.abc import Iterable
from typing import Any


def packed(numbers: Iterable[float], kind: str) -> str:
    """Numbers as base64.

    Args:
        numbers: a numpy array of any shape, or a list.
        kind: of numpy's types, such as `<f4`, little-endian floats of four bytes.
    """
    import numpy as np

    array: Any = np.asarray(numbers)
    return base64.b64encode(array.astype(kind, copy=False).tobytes()).decode()
