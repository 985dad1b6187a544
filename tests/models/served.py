"""What tests of the model server ask it, and runs for it as if they had been trained."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.config import codec
from playground.config.generation import GenerationSettings
from playground.config.run import AdapterSettings, ModelRef, RunConfig
from playground.models.adapters import attach_lora, merge_adapter
from playground.models.generation import generate
from playground.runs.home import runs_folder

GREEDY = GenerationSettings(max_new_tokens=16)
SAMPLING = GenerationSettings(strategy="sampling", max_new_tokens=16, temperature=1.3, seed=5)
PROMPT = "Human: What is the capital of France?\n\nAssistant:"


def make_run(run: str, model: ModelRef, base: Path, *, seed: int, kind: str = "adapter") -> Path:
    """A run's folder with weights as if it had been trained: an adapter far from zero, or the model merged with it."""
    folder = runs_folder() / run
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(codec.dumps(RunConfig(model=model, name=f"the {run}")), encoding="utf-8")
    tuned = attach_lora(AutoModelForCausalLM.from_pretrained(base), AdapterSettings(rank=4), seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator))
    if kind == "adapter":
        tuned.save_pretrained(folder / "adapter")
    else:
        tuned.merge_and_unload().save_pretrained(folder / "model")
        AutoTokenizer.from_pretrained(base).save_pretrained(folder / "model")
    return folder


def expected_text(base: Path, run: str | None, settings: GenerationSettings, prompt: str = PROMPT) -> str:
    """What a model with the run's adapter merged into its weights answers by itself."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    if run:
        merge_adapter(model, runs_folder() / run / "adapter")
    return generate(model, tokenizer, [tokenizer(prompt)["input_ids"]], settings)[0].text


# coming and going
