"""Runs as training leaves them, made without training."""

import json
from pathlib import Path
from typing import Any, Literal

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.jobs.submission import submit
from playground.models.detokenise import AnswerText
from playground.runs.events import Phase, PhaseChange
from playground.runs.store import RunStore
from tests.small_models import make_model

Left = Literal["adapter", "model", "nothing"]

WORDS = ["park", "day", "film", "plot", "user", "joy", "Paris", "France", "sentence", "response"]


def data_file(folder: Path, rows: int = 20) -> Path:
    """Short instructions; every other row has an input."""
    path = folder / "rows.json"
    path.write_text(
        json.dumps(
            [
                {
                    "instruction": f"Rewrite the sentence about the {WORDS[row % 10]}.",
                    "input": f"He go to the {WORDS[row % 7]}." if row % 2 else "",
                    "output": f"He goes to the {WORDS[row % 7]} every day.",
                }
                for row in range(rows)
            ]
        ),
        encoding="utf-8",
    )
    return path


def finished_run(
    store: RunStore, model: Path, data: Path, *, left: Left = "adapter", phase: Phase = Phase.DONE, **config: Any
) -> str:
    """A run on `model` that ended in `phase` and left an adapter or a model with weights of its own."""
    document = {
        "model": str(model),
        "data": {"source": str(data), "template": "instruction-response", "split": [0.5, 0.5]} | config.pop("data", {}),
        **config,
    }
    run = submit(store, "run", document)
    store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING)])
    if phase.terminal:
        store.finish(run, phase)
    folder = store.folder(run)
    if left == "adapter":
        loaded = get_peft_model(
            AutoModelForCausalLM.from_pretrained(model),
            LoraConfig(r=4, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
        )
        torch.manual_seed(1)
        for name, parameter in loaded.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(parameter, std=0.3)
        loaded.save_pretrained(str(folder / "adapter"))
    elif left == "model":
        make_model("llama", folder / "model", seed=5)
    return run


def greedy(model: Any, tokenizer: Any, ids: list[int], new_tokens: int) -> str:
    """A greedy answer by plain forward passes: its tokens are chosen by nothing of ours, only spelled by it.

    Plain decoding would spell the random bytes of an untrained model differently where an answer ends within one.
    """
    given, ends = list(ids), {tokenizer.eos_token_id}
    for _ in range(new_tokens):
        with torch.no_grad():
            following = int(model(torch.tensor([given])).logits[0, -1].argmax())
        given.append(following)
        if following in ends:
            break
    answer = AnswerText(tokenizer, ids)
    answer.ids = given[len(ids) :]
    return answer.whole()


def tokenizer_of(model: Path) -> Any:
    return AutoTokenizer.from_pretrained(model)
