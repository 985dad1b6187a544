"""The names of the shares that a data set comes in."""

from typing import Literal

Part = Literal["train", "test", "validation"]
PARTS: tuple[Part, ...] = ("train", "test", "validation")
