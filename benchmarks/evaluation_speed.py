"""Our batched answers for a BLEU evaluation against `transformers.pipeline(batch_size=2)`: same text, how much faster.

    python -m benchmarks.evaluation_speed MODEL_FOLDER [--rows 110] [--tokens 50] [--batch 64]

Both answer the same held-out prompts greedily. They are run in turns, so that a busy machine slows both alike, and
the ratio of their best times counts. Processor time is told too: with OMP_NUM_THREADS=1 its ratio holds on a busy
machine. Budget: at least 5.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, pipeline

from benchmarks.machine import describe
from benchmarks.model import DEFAULT, folder_of
from playground.config.evaluation import EvaluationSettings
from playground.config.generation import GenerationSettings
from playground.config.run import DataSettings
from playground.data.splits import prepare
from playground.data.templates import render
from playground.models.generation import generate

BUDGET = 5.0
RESULTS = Path(__file__).parent / "results" / "evaluation_speed.json"


def main() -> None:
    """Runs, prints and keeps the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", nargs="?", default=DEFAULT, help="catalogue name, or folder, of the model")
    parser.add_argument("--data", default="instructions")
    parser.add_argument("--rows", type=int, default=110)
    parser.add_argument("--tokens", type=int, default=50)
    parser.add_argument("--batch", type=int, default=EvaluationSettings(run="any").batch_size)
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()

    machine = describe()
    folder = folder_of(chosen.model)
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    test = prepare(DataSettings(source=chosen.data)).test[: chosen.rows]
    prompts = [render(record, "alpaca", tokenizer).prompt for record in test]
    settings = GenerationSettings(max_new_tokens=chosen.tokens)
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    plain = pipeline("text-generation", model=model, tokenizer=tokenizer)

    def ours() -> list[str]:
        ids = [tokenizer(prompt)["input_ids"] for prompt in prompts]
        return [answer.text for answer in generate(model, tokenizer, ids, settings, batch_size=chosen.batch)]

    def theirs() -> list[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = plain(prompts, batch_size=2, max_new_tokens=chosen.tokens, do_sample=False, return_full_text=False)
        return [row[0]["generated_text"] for row in found]

    mine, other = alternate([ours, theirs], chosen.rounds)
    same = sum(a == b for a, b in zip(mine.texts, other.texts, strict=True))
    tokens = sum(len(tokenizer(text)["input_ids"]) for text in mine.texts)
    result = {
        "what": "batched greedy answers against transformers.pipeline(batch_size=2)",
        "rows": len(prompts),
        "max_new_tokens": chosen.tokens,
        "batch_size": chosen.batch,
        "same_text": same,
        "ours_seconds": mine.seconds,
        "pipeline_seconds": other.seconds,
        "ratio": round(min(other.seconds) / min(mine.seconds), 2),
        "ours_processor_seconds": mine.processor_seconds,
        "pipeline_processor_seconds": other.processor_seconds,
        "processor_ratio": round(min(other.processor_seconds) / min(mine.processor_seconds), 2),
        "ours_tokens_per_second": round(tokens / min(mine.seconds), 1),
        "budget": BUDGET,
        "machine": machine,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


@dataclass
class Measured:
    """One way of doing it: a time per round, and the last texts."""

    seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def alternate(ways: Sequence[Callable[[], list[str]]], rounds: int) -> list[Measured]:
    """Every way once per round, in turns."""
    found = [Measured() for _ in ways]
    for _ in range(rounds):
        for way, measured in zip(ways, found, strict=True):
            start, processor_start = time.perf_counter(), time.process_time()
            measured.texts = way()
            measured.seconds.append(round(time.perf_counter() - start, 2))
            measured.processor_seconds.append(round(time.process_time() - processor_start, 2))
    return found


if __name__ == "__main__":
    main()
