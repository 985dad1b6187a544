"""The README of what is given away: a model card with front matter that the Hub understands."""

from typing import TYPE_CHECKING, Any

import yaml

from playground.config import codec
from playground.config.run import ADAPTER_SETTINGS, RunConfig
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
ADAPTERS = {
    "lora": "A LoRA adapter",
    "prompt_tuning": "A soft prompt, learnt by prompt tuning",
    "p_tuning": "A soft prompt, learnt by p-tuning",
    "none": "The whole model",
}
TRAINED = {
    "lora": "a LoRA adapter",
    "prompt_tuning": "a soft prompt (prompt tuning)",
    "p_tuning": "a soft prompt (p-tuning)",
    "none": "every weight",
}
"""By kind of adapter."""
SHOWN = (
    "data.template", "data.empty_input_only", "data.limit", "data.split", "data.seed",
    "data.custom_template", "data.verbalizer",
    "adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets", "adapter.num_virtual_tokens",
    "adapter.prompt_tuning_init_text", "adapter.encoder", "adapter.encoder_hidden_size",
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
        f"## Use it\n\n```python\n{_usage(subject, name, base, merged=merged, prompt=prompt)}\n```",
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


def scoring(name: str, base: str, *, prompt: str) -> str:
    """A few lines of Python that score an answer to a prompt with a reward model's adapter on `base`."""
    return (
        "from peft import PeftModel\n"
        "from transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n"
        f'tokenizer = AutoTokenizer.from_pretrained("{base}")\n'
        "pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id\n"
        'one_score = {"num_labels": 1, "pad_token_id": pad, "dtype": "float32"}\n'
        f'trunk = AutoModelForSequenceClassification.from_pretrained("{base}", **one_score)\n'
        f'model = PeftModel.from_pretrained(trunk, "{name}").eval()  # the adapter brings the trained head\n'
        f"prompt = {literal(prompt)}\n"
        'text = prompt + "Paris." + tokenizer.eos_token\n'
        'print(model(**tokenizer(text, return_tensors="pt")).logits.item())'
    )


def _usage(subject: Subject, name: str, base: str, *, merged: bool, prompt: str) -> str:
    if subject.writes:
        return usage(name, base, merged=merged, prompt=prompt)
    return scoring(name, base, prompt=prompt)


def typed_prompt(template: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """A question as a template puts it; as it stands where the template has no place for one."""
    try:
        return render_prompt(QUESTION, template, tokenizer)
    except PlaygroundError:
        return QUESTION


def _front_matter(subject: Subject, *, merged: bool) -> dict[str, Any]:
    base, source = subject.base, subject.config.data.source
    tags = ["post-training-playground", "trl", subject.record.method]
    if subject.config.adapter.kind != "none":
        tags.append(subject.config.adapter.kind.replace("_", "-"))
    on_hub = not source.startswith(uploads.PREFIX) and bundled.find(source) is None and "/" in source
    known = {
        "base_model": base.hub_id,
        "library_name": "transformers" if merged else "peft",
        "pipeline_tag": "text-generation" if subject.writes else "text-classification",
        "tags": tags,
        "datasets": [source] if on_hub and HUB_ID.fullmatch(source) and public_source(source) == source else [],
        "license": LICENCES.get(base.licence, "other") if base.licence else "",
    }
    return {key: value for key, value in known.items() if value}


def _summary(subject: Subject, *, merged: bool) -> str:
    base, config = subject.base, subject.config
    of = f"[{base.hub_id}](https://huggingface.co/{base.hub_id})" if base.public else plain(base.title)
    source = plain(public_source(config.data.source))
    what = "The whole model" if merged else ADAPTERS[config.adapter.kind]
    rounded = " It was tuned on a copy whose weights had been rounded to about 4 bits." if base.converted else ""
    return (
        f"{what}: {of} after {config.options.words} on {source}, made with the Post-training "
        f"Playground, which trains with [TRL](https://github.com/huggingface/trl).{rounded}"
    )


def _settings(config: RunConfig) -> str:
    encoded = codec.encode(config)
    own = [found.path for found in settings_of(type(config.options))]
    rows = [f"| method | {config.method} |", f"| trained | {TRAINED[config.adapter.kind]} |"]
    for path in (*SHOWN, *own):
        section, name = path.split(".")
        value = encoded[section][name]
        beside_the_point = (section == "adapter" and name not in ADAPTER_SETTINGS[config.adapter.kind]) or (
            path == "training.epochs" and config.training.max_steps is not None
        )
        empty = value is None or value is False or value in ("", {})
        if not beside_the_point and not empty:
            rows.append(f"| {path} | {_cell(value)} |")
    return "\n".join(["| setting | value |", "|---|---|", *rows])


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return plain(text).replace("|", "\\|")


def _figures(record: RunRecord) -> str:
    wanted = (
        "loss", "eval_loss", "mean_token_accuracy", "eval_mean_token_accuracy", "eval_accuracy", "eval_margin",
    )  # fmt: skip
    rows = [f"| {name} | {value:.4f} |" for name in wanted if (value := record.metrics.get(name)) is not None]
    ended = "" if record.phase is Phase.DONE else f" It ended as {record.phase}."
    about = f"{record.steps} optimiser steps in {record.seconds:.0f} s.{ended}"
    return "\n".join([f"## Figures\n\n{about}\n", "| at the end | |", "|---|---|", *rows])


def _evaluation(record: RunRecord, store: RunStore) -> list[str]:
    """The newest evaluation of the run, if any is done."""
    done = (
        found
        for found in store.list("evaluation", archived=None, limit=-1)
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
