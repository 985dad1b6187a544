"""A tutorial as a Jupyter notebook: the JSON of nbformat 4.5."""

from typing import Any

from playground.export.steps import Tutorial, as_cells


def as_notebook(tutorial: Tutorial) -> dict[str, Any]:
    """The notebook's document; nothing has been run in it."""
    return {
        "cells": [_cell(number, kind, text) for number, (kind, text) in enumerate(as_cells(tutorial))],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number: int, kind: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": f"cell-{number}",
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
