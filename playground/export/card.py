"""The README of what is given away: a model card with front matter that the Hub understands."""

from typing import TYPE_CHECKING, Any

import yaml

from playground.config import codec
from playground.config.run import RunConfig
from playground.config.settings import settings_of
from playground.data import bundled, uploads
from playground.data.loading import HUB_ID
from playground.data.templates import render_prompt
from playground.errors import PlaygroundError
from playground.export.steps import literal, plain
from playground.export.subject import Subject, public_source
from playground.runs.events import Phase
from playground.runs.records import RunRecord
from playground.runs.store import RunStore

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LICENCES = {"Apache-2.0": "apache-2.0", "MIT": "mit"}
"""Licences of the catalogue by their names on the Hub; any other is `other` there."""
METHODS = {"sft": "supervised fine-tuning"}
SHOWN = (
    "data.template", "data.empty_input_only", "data.limit", "data.split", "data.seed",
    "adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets",
    "training.max_steps", "training.epochs", "training.batch_size", "training.gradient_accumulation",
    "training.learning_rate", "training.optimizer", "training.schedule", "training.warmup_steps",
    "training.weight_decay", "training.max_grad_norm", "training.max_length", "training.precision", "training.seed",
)  # fmt: skip
"""Settings that say what was learnt and how; those of the method come after them."""
QUESTION = "What is the capital of France?"
"""Shows how a question is put."""


def card(subject: Subject, store: RunStore, *, name: str, base: str, merged: bool, prompt: str) -> str:
    """The text of README.md.

    Args:
        name: what `from_pretrained` is given: a Hub id or a folder.
        base: the same for the model that an adapter belongs on.
        merged: whether the whole model lies beside it, else the adapter alone.
        prompt: a question in the words of the run's template.
    """
    front = yaml.safe_dump(_front_matter(subject, merged=merged), sort_keys=False, allow_unicode=True)
    parts = [
        f"---\n{front}---",
        f"# {plain(subject.title)}",
        _summary(subject, merged=merged),
        f"## Use it\n\n```python\n{usage(name, base, merged=merged, prompt=prompt)}\n```",
        f"## How it was trained\n\n{_settings(subject.config)}",
        _figures(subject.record),
        *_evaluation(subject.record, store),
    ]
    return "\n\n".join(parts) + "\n"


def usage(name: str, base: str, *, merged: bool, prompt: str) -> str:
    """A few lines of Python that answer a prompt; an adapter's tokenizer is that of `base`."""
    auto = "AutoModelForCausalLM" if merged else "AutoPeftModelForCausalLM"
    imports = (
        "from transformers import AutoModelForCausalLM, AutoTokenizer"
        if merged
        else "from peft import AutoPeftModelForCausalLM\nfrom transformers import AutoTokenizer"
    )
    return (
        f"{imports}\n\n"
        f'model = {auto}.from_pretrained("{name}")\n'
        f'tokenizer = AutoTokenizer.from_pretrained("{name if merged else base}")\n'
        f"prompt = {literal(prompt)}\n"
        'answer = model.generate(**tokenizer(prompt, return_tensors="pt"), max_new_tokens=100)\n'
        "print(tokenizer.decode(answer[0]))"
    )


def typed_prompt(template: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """A question as a template puts it; as it stands where the template has no place for one."""
    try:
        return render_prompt(QUESTION, template, tokenizer)
    except PlaygroundError:
        return QUESTION


def _front_matter(subject: Subject, *, merged: bool) -> dict[str, Any]:
    base, source = subject.base, subject.config.data.source
    tags = ["post-training-playground", "trl", subject.record.method]
    if subject.config.adapter.kind == "lora":
        tags.append("lora")
    on_hub = not source.startswith(uploads.PREFIX) and bundled.find(source) is None and "/" in source
    known = {
        "base_model": base.hub_id,
        "library_name": "transformers" if merged else "peft",
        "pipeline_tag": "text-generation",
        "tags": tags,
        "datasets": [source] if on_hub and HUB_ID.fullmatch(source) and public_source(source) == source else [],
        "license": LICENCES.get(base.licence, "other") if base.licence else "",
    }
    return {key: value for key, value in known.items() if value}


def _summary(subject: Subject, *, merged: bool) -> str:
    base, config = subject.base, subject.config
    of = f"[{base.hub_id}](https://huggingface.co/{base.hub_id})" if base.public else plain(base.title)
    source = plain(public_source(config.data.source))
    what = "The whole model" if merged else "A LoRA adapter"
    rounded = " It was tuned on a copy whose weights had been rounded to about 4 bits." if base.converted else ""
    return (
        f"{what}: {of} after {METHODS.get(config.method, config.method)} on {source}, made with the Post-training "
        f"Playground, which trains with [TRL](https://github.com/huggingface/trl).{rounded}"
    )


def _settings(config: RunConfig) -> str:
    encoded = codec.encode(config)
    own = [found.path for found in settings_of(type(config.options))]
    rows = [f"| method | {config.method} |"]
    if config.adapter.kind == "none":
        rows.append("| trained | every weight |")
    for path in (*SHOWN, *own):
        section, name = path.split(".")
        value = encoded[section][name]
        beside_the_point = (section == "adapter" and config.adapter.kind == "none") or (
            path == "training.epochs" and config.training.max_steps is not None
        )
        if not beside_the_point and value is not None and value is not False:
            rows.append(f"| {path} | {_cell(value)} |")
    return "\n".join(["| setting | value |", "|---|---|", *rows])


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return plain(text).replace("|", "\\|")


def _figures(record: RunRecord) -> str:
    wanted = ("loss", "eval_loss", "mean_token_accuracy", "eval_mean_token_accuracy")
    rows = [f"| {name} | {value:.4f} |" for name in wanted if (value := record.metrics.get(name)) is not None]
    ended = "" if record.phase is Phase.DONE else f" It ended as {record.phase}."
    about = f"{record.steps} optimiser steps in {record.seconds:.0f} s.{ended}"
    return "\n".join([f"## Figures\n\n{about}\n", "| at the end | |", "|---|---|", *rows])


def _evaluation(record: RunRecord, store: RunStore) -> list[str]:
    """The newest evaluation of the run, if any is done."""
    done = (
        found
        for found in store.list("evaluation", limit=-1)
        if found.phase is Phase.DONE and found.document.get("run") == record.id and found.result
    )
    newest = next(done, None)
    if newest is None or newest.result is None:
        return []
    result = newest.result
    names = {"bleu": "SacreBLEU", "chrf": "chrF", "rougeL": "ROUGE-L", "exact_match": "exact match"}
    rows = [f"| {shown} | {result['base'][name]:.2f} | {result['tuned'][name]:.2f} |" for name, shown in names.items()]
    table = "\n".join(
        [f"| {result['examples']} rows of the {result['split']} share | base | tuned |", "|---|---|---|", *rows]
    )
    return [f"## Base against tuned\n\n{table}\n\nSacreBLEU's signature: `{result['signature']}`"]
