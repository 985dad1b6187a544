"""One update of our PPO against one of TRL's last, same model, prompts, lengths and epochs: time and peak memory.

    python -m benchmarks.ppo_against_trl [--model NAME] [--updates 5] [--rounds 2] [--environment FOLDER] [--gpu]

TRL dropped its PPO after 1.12, so that release is installed beside the other packages, in a folder that only its own
process sees. Its critic is a second model with a LoRA adapter, the cheaper of its settings. Neither side ends an answer
early, so both do the same work: 8 prompts of 8 tokens, 24 tokens each, 2 passes over them. Each side runs in a process
of its own, in turns, the other one first in every second round; the first update of each, in which a device still warms
up, does not count. Beside the time on the clock stands that of the processor, which others on a busy machine disturb
less. Budget: half the time and half the peak memory.

With `--gpu`, on a CUDA device and in bfloat16, it is a model of OPT-350m's shape by default, with random weights: no
weight is downloaded, and what is measured does not depend on them.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from benchmarks.model import DEFAULT, folder_of

BUDGET = 0.5
TRL = "trl==1.12.0"
ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
OPT_350M = "opt-350m-shape"
ROWS, PROMPT, ANSWER, EPOCHS, RANK = 8, 8, 24, 2, 8
LEARNING_RATE, BETA = 5e-4, 0.02
TEXT = "The film was made in the old town by people who had never seen a camera before and did not know what to do"


def main() -> None:
    """Runs, prints and keeps the comparison; or is one side of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", help=f"of the catalogue, a folder, or {OPT_350M}; by default {DEFAULT}")
    parser.add_argument("--updates", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--gpu", action="store_true", help="on a CUDA device")
    parser.add_argument("--environment", type=Path, help="where that TRL is, or is to be kept; else it is thrown away")
    parser.add_argument("--side", choices=["trl", "playground"], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.side:
        warnings.simplefilter("ignore")
        side = {"trl": trl, "playground": playground}[chosen.side]
        print(json.dumps(side(chosen.model, chosen.updates)))
        return
    machine = describe()
    if chosen.gpu != bool(machine["gpu"]):
        raise SystemExit(
            "There is no CUDA device." if chosen.gpu else "There is a CUDA device; give --gpu, or hide it: both use it."
        )
    model = chosen.model or (OPT_350M if chosen.gpu else DEFAULT)
    with tempfile.TemporaryDirectory() as scratch:
        environment = installed(chosen.environment or Path(scratch) / "trl")
        folder = opt_350m(Path(scratch) / "model") if model == OPT_350M else folder_of(model)
        found = compare(str(folder), chosen.updates, chosen.rounds, environment)
    result = {**found, "budget": BUDGET, "model": model, "updates": chosen.updates, "machine": machine}
    kept = RESULTS / f"ppo_against_trl{'_gpu' if chosen.gpu else ''}.json"
    kept.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    if max(result["time_ratio"], result["memory_ratio"]) > BUDGET:
        raise SystemExit(f"Above the budget of {BUDGET}.")


def installed(folder: Path) -> Path:
    """The folder with the release of TRL that still has PPO; installed there where it is not yet."""
    if not (folder / "trl").is_dir():
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), TRL], check=True
        )
    return folder


def opt_350m(folder: Path) -> Path:
    """A model of OPT-350m's shape (Zhang et al. 2022, arXiv:2205.01068), random weights, and the bundled tokenizer."""
    import torch
    from transformers import AutoTokenizer, OPTConfig, OPTForCausalLM

    torch.manual_seed(0)
    shape = OPTConfig(
        vocab_size=50272, hidden_size=1024, ffn_dim=4096, num_hidden_layers=24, num_attention_heads=16,
        word_embed_proj_dim=512, do_layer_norm_before=False, max_position_embeddings=2048,
    )  # fmt: skip
    OPTForCausalLM(shape).save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder_of("tiny")).save_pretrained(folder)
    return folder


def compare(model: str, updates: int, rounds: int, environment: Path) -> dict[str, Any]:
    """Both sides in turns; JSON values."""
    seconds: dict[str, list[float]] = {"trl": [], "playground": []}
    processor: dict[str, list[float]] = {"trl": [], "playground": []}
    memory: dict[str, list[float]] = {"trl": [], "playground": []}
    for turn in range(rounds):
        for name in ("trl", "playground")[:: -1 if turn % 2 else 1]:
            measured = one_side(name, model, updates, environment)
            seconds[name].append(round(measured["seconds"], 3))
            processor[name].append(round(measured["processor_seconds"], 3))
            memory[name].append(round(measured["peak_gb"], 3))
    return {
        "seconds_per_update": seconds,
        "processor_seconds_per_update": processor,
        "peak_gb": memory,
        "time_ratio": _ratio(seconds),
        "processor_ratio": _ratio(processor),
        "memory_ratio": _ratio(memory),
    }


def _ratio(found: dict[str, list[float]]) -> float:
    """Ours over theirs, by the medians of the rounds."""
    return round(statistics.median(found["playground"]) / statistics.median(found["trl"]), 3)


def one_side(name: str, model: str, updates: int, environment: Path) -> dict[str, float]:
    """What one side says of itself, in a process of its own."""
    paths = [str(environment)] if name == "trl" else []
    command = [sys.executable, "-m", "benchmarks.ppo_against_trl", "--side", name, "--model", model]
    done = subprocess.run(
        [*command, "--updates", str(updates)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*paths, str(ROOT)]), "HF_HUB_OFFLINE": "1"},
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


class Clock:
    """Seconds of each update, on the clock and of the processor."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.processor: list[float] = []
        self.start()

    def start(self) -> None:
        """The next update begins."""
        self._begun = (time.perf_counter(), time.process_time())

    def lap(self) -> None:
        """An update is over, and the next begins."""
        self.seconds.append(time.perf_counter() - self._begun[0])
        self.processor.append(time.process_time() - self._begun[1])
        self.start()

    def told(self) -> dict[str, float]:
        """The median update without the first, and the most memory that the process, or the GPU, has had."""
        import torch

        peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else _resident()
        seconds, processor = (statistics.median(laps[1:]) for laps in (self.seconds, self.processor))
        return {"seconds": seconds, "processor_seconds": processor, "peak_gb": peak / 1e9}


def _resident() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def playground(model: str, updates: int) -> dict[str, float]:
    """Through the playground, as a job does it."""
    from playground.config.codec import decode
    from playground.runs.context import JobContext
    from playground.runs.events import Event, Metric, Phase, PhaseChange
    from playground.training import dispatch
    from playground.training.methods.ppo import learner

    vars(learner)["end_tokens"] = lambda *_: []
    clock = Clock()

    def emit(event: Event) -> None:
        if isinstance(event, PhaseChange) and event.phase is Phase.RUNNING:
            clock.start()
        elif isinstance(event, Metric) and "loss" in event.values:
            clock.lap()

    with tempfile.TemporaryDirectory() as scratch:
        rows = Path(scratch) / "rows.json"
        rows.write_text(json.dumps([{"prompt": text} for text in texts()]), encoding="utf-8")
        document = {
            "method": "ppo",
            "model": model,
            "data": {"source": str(rows), "template": "plain", "split": [1.0, 0.0]},
            "adapter": {"rank": RANK, "alpha": 2 * RANK, "dropout": 0.0, "targets": ["all-linear"]},
            "training": {
                "max_steps": updates, "batch_size": ROWS, "learning_rate": LEARNING_RATE, "eval_steps": 0,
                "sample_steps": 0,
            },
            "ppo": {
                "reward": {"kind": "length"}, "rollouts": ROWS, "max_new_tokens": ANSWER, "update_epochs": EPOCHS,
                "beta": BETA, "prompt_min_tokens": PROMPT, "prompt_max_tokens": PROMPT,
            },
        }  # fmt: skip
        dispatch.execute(decode(document), JobContext("benchmark", Path(scratch), emit))
    return clock.told()


def texts() -> list[str]:
    """Prompts that are long enough to be cut."""
    words = TEXT.split()
    return [" ".join(words[at:] + words[:at]) for at in range(ROWS)]


def trl(model: str, updates: int) -> dict[str, float]:
    """TRL's trainer, as its documentation has it, with an adapter on the policy and one on the critic."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoModelForSequenceClassification,
        AutoTokenizer,
        TrainerCallback,
    )
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    tokenizer.pad_token_id = 0
    weights = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    policy = AutoModelForCausalLM.from_pretrained(model, dtype=weights)
    critic = AutoModelForSequenceClassification.from_pretrained(model, num_labels=1, dtype=weights)
    lora = {"r": RANK, "lora_alpha": 2 * RANK, "target_modules": "all-linear"}
    value_model = get_peft_model(critic, LoraConfig(task_type="SEQ_CLS", **lora))
    ids = [tokenizer(text)["input_ids"][:PROMPT] for text in texts()]
    rows = Dataset.from_list([{"input_ids": row} for row in ids] * updates)
    clock = Clock()

    class Watch(TrainerCallback):
        """Tells the clock of each update."""

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            clock.start()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.lap()

    with tempfile.TemporaryDirectory() as scratch:
        trainer = PPOTrainer(
            args=PPOConfig(
                output_dir=scratch, per_device_train_batch_size=ROWS, gradient_accumulation_steps=1,
                num_mini_batches=1, num_ppo_epochs=EPOCHS, response_length=ANSWER, total_episodes=ROWS * updates,
                local_rollout_forward_batch_size=ROWS, learning_rate=LEARNING_RATE, kl_coef=BETA, report_to="none",
                use_cpu=not torch.cuda.is_available(), bf16=torch.cuda.is_available(), gradient_checkpointing=False,
                num_sample_generations=0, save_strategy="no", disable_tqdm=True, temperature=1.0,
            ),
            processing_class=tokenizer, model=policy, ref_model=None, reward_model=trivial_reward(),
            train_dataset=rows, eval_dataset=rows, value_model=value_model,
            peft_config=LoraConfig(task_type="CAUSAL_LM", **lora), callbacks=[Watch()],
        )  # fmt: skip
        trainer.train()
    return clock.told()


def trivial_reward() -> Any:
    """What TRL takes for a reward model and costs nothing: the score of a text is its last token's number."""
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    class Backbone(torch.nn.Module):
        def forward(self, input_ids: Any, **_: Any) -> Any:
            return BaseModelOutput(hidden_states=(input_ids.unsqueeze(-1).float() / 1000,))

    class Trivial(torch.nn.Module):
        base_model_prefix = "backbone"

        def __init__(self) -> None:
            super().__init__()
            self.backbone = Backbone()
            self.score = torch.nn.Identity()

    return Trivial()


if __name__ == "__main__":
    main()
