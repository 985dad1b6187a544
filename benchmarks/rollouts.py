"""256 rollouts of 32 tokens: ours, with the probabilities of every token, against plain `generate` without them.

    python -m benchmarks.rollouts [MODEL] [--rollouts 256] [--tokens 32] [--single 8] [--rounds 2]

`generate` is asked twice: for one text at a time, as a loop over it does (for a few of them, as all would take many
minutes), and for as many side by side as ours has in a batch. The ways take turns, so that a busy machine slows all
alike, and the best round of each counts.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from benchmarks.machine import describe
from benchmarks.model import DEFAULT, folder_of
from playground.config.generation import GenerationSettings
from playground.models.drawing import ROWS_AT_ONCE, Drawing
from playground.models.generation import inference
from playground.models.shelf import Side

PROMPT = "Once upon a time, there was a"
RESULTS = Path(__file__).parent / "results" / "rollouts.json"


def main() -> None:
    """Runs, prints and keeps the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", nargs="?", default=DEFAULT, help="catalogue name, or folder, of the model")
    parser.add_argument("--rollouts", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--single", type=int, default=8, help="texts that the loop of single calls draws")
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()

    machine, folder = describe(), folder_of(chosen.model)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    model.train(False)
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id
    )
    given = tokenizer(PROMPT, return_tensors="pt")
    settings = GenerationSettings(strategy="sampling", max_new_tokens=chosen.tokens)

    def ours() -> int:
        drawing = Drawing(Side(model, None), tokenizer, given["input_ids"][0].tolist(), settings, chosen.rollouts)
        with inference(model):
            while not drawing.done:
                drawing.step(Side(model, None))
        return sum(len(rollout.ids) for rollout in drawing.finished)

    def plain(total: int, at_once: int) -> int:
        tokens = 0
        for start in range(0, total, at_once):
            torch.manual_seed(start)
            rows = min(at_once, total - start)
            found = model.generate(  # type: ignore[misc]
                **given, do_sample=True, top_k=0, max_new_tokens=chosen.tokens, num_return_sequences=rows
            )
            new = found[:, given["input_ids"].shape[1] :]
            # What stands behind an end-of-sequence token is padding.
            ended = (new == tokenizer.eos_token_id).cumsum(dim=1)
            tokens += int(((ended == 0) | ((ended == 1) & (new == tokenizer.eos_token_id))).sum())
        return tokens

    ways: dict[str, Callable[[], int]] = {
        "ours": ours,
        "generate_same_batch": lambda: plain(chosen.rollouts, ROWS_AT_ONCE),
        "generate_one_at_a_time": lambda: plain(chosen.single, 1),
    }
    speeds = alternate(ways, chosen.rounds)
    best = {name: max(found) for name, found in speeds.items()}
    result = {
        "what": "sampled rollouts with their log-probabilities against plain generate without them",
        "rollouts": chosen.rollouts,
        "max_new_tokens": chosen.tokens,
        "rows_at_once": ROWS_AT_ONCE,
        "rollouts_one_at_a_time": chosen.single,
        "tokens_per_second": speeds,
        "ratio_to_one_at_a_time": round(best["ours"] / best["generate_one_at_a_time"], 2),
        "ratio_to_same_batch": round(best["ours"] / best["generate_same_batch"], 2),
        "machine": machine,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def alternate(ways: dict[str, Callable[[], int]], rounds: int) -> dict[str, list[float]]:
    """Tokens per second of every way, once per round, in turns."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            tokens = way()
            found[name].append(round(tokens / (time.perf_counter() - start), 1))
    return found


if __name__ == "__main__":
    main()
