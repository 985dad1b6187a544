"""Memory that was freed, given back to the system."""

import ctypes
import functools
import platform
from collections.abc import Callable


def give_back() -> None:
    """Hands the pages of freed tensors back. glibc keeps blocks of up to 32 MB for later ones, which rarely fit: stages
    that hold different tensors in turn would need the memory of all of them together. Elsewhere this does nothing.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@functools.cache
def _trim() -> Callable[[int], int] | None:
    return ctypes.CDLL(None).malloc_trim if platform.libc_ver()[0] == "glibc" else None
