"""Linear layers by oneDNN against PyTorch's own way, and what a text written by SmolLM2 gains.

    python -m benchmarks.linear [--model NAME] [--rounds 5]

Layers have the shapes of the model; each takes turns with PyTorch's own, thirty layers one after another so that no
weight stays in the cache, and the quickest turn of each counts; then weights laid out for oneDNN, as PPO's rollouts
have them, against weights as they are. Texts are written by the model greedily, eight at once,
as in a rollout. Where `quicken` leaves a processor alone, both sides are forced all the same.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import linear

from benchmarks.machine import describe
from benchmarks.model import DEFAULT, folder_of
from playground.core.frozen_linear import frozen_linear, packed, packed_linear
from playground.models import quick

RESULTS = Path(__file__).parent / "results" / "linear.json"
SHAPES = {"attention": (576, 576), "up": (1536, 576), "down": (576, 1536), "output": (49152, 576)}
ROWS = (1, 8, 64, 248)
LAYERS, TOKENS, TEXTS = 30, 24, 8


def main() -> None:
    """Measures, prints and keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    machine = describe()
    layers = {
        name: {str(rows): of_layers(shape, rows, chosen.rounds) for rows in ROWS} for name, shape in SHAPES.items()
    }
    laid_out = {
        name: {str(rows): of_packed(shape, rows, chosen.rounds) for rows in ROWS} for name, shape in SHAPES.items()
    }
    written = of_texts(str(folder_of(chosen.model)), chosen.rounds)
    result = {
        "time_of_layers": layers,
        "time_of_packed_layers": laid_out,
        "text": written,
        "model": chosen.model,
        "machine": machine,
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def of_layers(shape: tuple[int, int], rows: int, rounds: int) -> float:
    """oneDNN's time as a share of PyTorch's own."""
    weights = _weights(shape)
    return _share(rows, rounds, (frozen_linear, weights), (linear, weights))


def of_packed(shape: tuple[int, int], rows: int, rounds: int) -> float:
    """The time of weights that are laid out for oneDNN as a share of its time for weights as they are."""
    weights = _weights(shape)
    return _share(rows, rounds, (packed_linear, [packed(weight, rows) for weight in weights]), (frozen_linear, weights))


def _weights(shape: tuple[int, int]) -> list[torch.Tensor]:
    return [torch.randn(shape) for _ in range(1 if shape[0] > 10_000 else LAYERS)]


def _share(
    rows: int,
    rounds: int,
    one: tuple[Callable[..., torch.Tensor], list[torch.Tensor]],
    other: tuple[Callable[..., torch.Tensor], list[torch.Tensor]],
) -> float:
    """The time of a product with weights as a share of another's."""
    states = torch.randn(rows, other[1][0].shape[1])
    with torch.no_grad():
        ours, theirs = _in_turns(
            lambda: [one[0](states, weight) for weight in one[1]],
            lambda: [other[0](states, weight) for weight in other[1]],
            rounds,
        )
    return round(min(ours) / min(theirs), 3)


def of_texts(folder: str, rounds: int) -> dict[str, Any]:
    """Seconds a token for eight texts at once, each way, and their ratio."""
    plain, quickened = (_loaded(folder) for _ in range(2))
    vars(quick)["_made_by_amd"] = lambda: True
    quick.quicken(quickened)
    ids = torch.randint(1000, 40_000, (TEXTS, 8), generator=torch.Generator().manual_seed(0))
    asked: dict[str, Any] = {"attention_mask": torch.ones_like(ids), "min_new_tokens": TOKENS, "max_new_tokens": TOKENS}
    ours, theirs = _in_turns(
        lambda: quickened.generate(ids, do_sample=False, **asked),
        lambda: plain.generate(ids, do_sample=False, **asked),
        rounds,
    )
    a_token = {"onednn": statistics.median(ours) / TOKENS, "pytorch": statistics.median(theirs) / TOKENS}
    seconds = {name: round(value, 4) for name, value in a_token.items()}
    return {"seconds_per_token": seconds, "time_ratio": round(a_token["onednn"] / a_token["pytorch"], 3)}


def _loaded(folder: str) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def _in_turns(one: Callable[[], Any], other: Callable[[], Any], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each, after one round to warm up."""
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        for seconds, work in zip(found, (one, other), strict=True):
            begun = time.perf_counter()
            work()
            if turn:
                seconds.append(time.perf_counter() - begun)
    return found


if __name__ == "__main__":
    main()
