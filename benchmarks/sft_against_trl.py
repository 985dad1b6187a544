"""Our SFT run against the same training as a bare TRL script: real tokens per second, samples and evaluation off.

    python -m benchmarks.sft_against_trl [--model NAME] [--steps 12] [--batch 4] [--rounds 3]

The two are run in turns in one process, the other one first in every second round, so that a busy machine slows both
alike, and the median of the rounds' ratios counts. Timed is what lies between the log of the first step, where a
device still warms up, and that of the last. Both start from one seed without dropout, so their losses say whether
they did the same work. Budget: at least 0.97.
"""

import argparse
import gc
import json
import logging
import statistics
import tempfile
import threading
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from benchmarks.machine import describe
from playground.config.codec import decode
from playground.config.run import RunConfig
from playground.data.splits import prepare
from playground.data.templates import render
from playground.models.adapters import default_targets
from playground.models.devices import choose_device
from playground.models.loading import LoadedModel, load
from playground.runs.context import JobContext
from playground.runs.events import Event, Metric
from playground.training import dispatch
from playground.training.precision import choose_precision

BUDGET = 0.97
RESULTS = Path(__file__).parent / "results" / "sft_against_trl.json"


@dataclass
class Round:
    """What one training logged."""

    times: list[float] = field(default_factory=list)
    """Seconds since the epoch, one per step."""
    tokens: list[float] = field(default_factory=list)
    """Real tokens seen by then."""
    losses: list[float] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float:
        """Between the first and the last log."""
        return (self.tokens[-1] - self.tokens[0]) / (self.times[-1] - self.times[0])

    def add(self, metric: Metric) -> None:
        """One step more."""
        self.times.append(metric.time)
        self.tokens.append(metric.values["num_tokens"] or 0.0)
        self.losses.append(metric.values["loss"] or 0.0)


class _Clock(TrainerCallback):
    """Notes when each step of a bare run was logged."""

    def __init__(self, found: Round) -> None:
        self._found = found

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002  # transformers' call
        if "loss" in kwargs["logs"]:
            self._found.add(Metric(state.global_step, dict(kwargs["logs"])))


def run_config(model: str, source: str, *, steps: int, batch: int) -> RunConfig:
    """The run that both do."""
    return decode(
        {
            "model": model,
            "data": {"source": source, "template": "alpaca"},
            "adapter": {"dropout": 0.0},
            "training": {"max_steps": steps, "batch_size": batch, "eval_steps": 0, "sample_steps": 0},
        }
    )


def ours(config: RunConfig, folder: Path) -> Round:
    """Through the playground, as a job does it."""
    found = Round()

    def emit(event: Event) -> None:
        if isinstance(event, Metric):
            found.add(event)

    dispatch.execute(config, JobContext("benchmark", folder, emit))
    return found


def bare(config: RunConfig, folder: Path) -> Round:
    """As a script with nothing but TRL, on the same texts."""
    training, adapter = config.training, config.adapter
    precision = choose_precision(training, adapter, choose_device("auto"))
    base = _load(config, precision.weights)
    rendered = [render(record, config.data.template, base.tokenizer) for record in prepare(config.data).train]
    rows = Dataset.from_list([{"prompt": text.prompt, "completion": text.answer} for text in rendered])
    found = Round()
    trainer = SFTTrainer(
        model=base.model,
        args=SFTConfig(
            output_dir=str(folder),
            max_steps=training.max_steps,
            per_device_train_batch_size=training.batch_size,
            learning_rate=training.learning_rate,
            optim=training.optimizer,
            lr_scheduler_type=training.schedule,
            max_length=training.max_length,
            bf16=precision.compute == "bfloat16",
            activation_checkpointing=False,
            dataloader_pin_memory=torch.cuda.is_available(),
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=training.seed,
        ),
        train_dataset=rows,
        processing_class=base.tokenizer,
        peft_config=LoraConfig(
            task_type="CAUSAL_LM",
            r=adapter.rank,
            lora_alpha=adapter.alpha,
            lora_dropout=adapter.dropout,
            target_modules=list(default_targets(base.model)),
        ),
        callbacks=[_Clock(found)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return found


def compare(config: RunConfig, rounds: int) -> dict[str, Any]:
    """Both in turns; JSON values."""
    speeds: dict[str, list[float]] = {"trl": [], "playground": []}
    losses: dict[str, float] = {}
    ways = [("trl", bare), ("playground", ours)]
    for turn in range(rounds):
        for name, run in ways[:: -1 if turn % 2 else 1]:
            with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = run(config, Path(folder))
            gc.collect()
            speeds[name].append(round(found.tokens_per_second, 2))
            losses[name] = round(found.losses[-1], 5)
    ratios = [mine / other for mine, other in zip(speeds["playground"], speeds["trl"], strict=True)]
    return {
        "tokens_per_second": speeds,
        "ratio": round(statistics.median(ratios), 4),
        "budget": BUDGET,
        "last_loss": losses,
    }


def main() -> None:
    """Runs, prints and keeps the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--data", default="instructions")
    parser.add_argument("--steps", type=int, default=200 if torch.cuda.is_available() else 12)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()

    logging.disable(logging.WARNING)
    machine = describe()
    config = run_config(chosen.model, chosen.data, steps=chosen.steps, batch=chosen.batch)
    result = compare(config, chosen.rounds)
    result |= {"steps": chosen.steps, "batch_size": chosen.batch, "machine": machine}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    if result["ratio"] < BUDGET:
        raise SystemExit(f"The ratio {result['ratio']} is below the budget of {BUDGET}.")


def _load(config: RunConfig, dtype: str) -> LoadedModel:
    return load(config.model, dtype=dtype, report=lambda _: None, stop=threading.Event())


if __name__ == "__main__":
    main()
