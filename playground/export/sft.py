"""The steps of supervised fine-tuning with TRL alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from playground.config.methods.sft import SFTSettings
from playground.export.recipe import BASE, Recipe
from playground.export.rows import HELD_OUT, TRAIN
from playground.export.steps import Step, Tutorial, Verbatim, assigned, call, literal, plain
from playground.training.arguments import trainer_arguments

UNTOLD = frozenset({"output_dir", "dataloader_pin_memory", "disable_tqdm", "logging_nan_inf_filter"})
"""Arguments that are the playground's own business, or that every machine decides for itself."""
USUAL: Mapping[str, object] = {
    "max_steps": -1,
    "gradient_accumulation_steps": 1,
    "lr_scheduler_type": "linear",
    "warmup_steps": 0.0,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "fp16": False,
    "eval_strategy": "no",
    "eval_steps": None,
    "eval_on_start": False,
    "logging_first_step": False,
    "report_to": "none",
}
"""What TRL does anyway (a test holds this against its `SFTConfig`): need not be said."""
UNLESS_SAID = "TRL switches it on unless it is said"
COMMENTS = {
    "learning_rate": "the peak, after the warm-up",
    "max_length": "tokens; longer rows are cut at the end",
    "bf16": UNLESS_SAID,
    "activation_checkpointing": UNLESS_SAID,
    "use_cpu": "bfloat16 on a CPU has to be asked for",
}
"""Behind arguments that are not plain by their names."""


def tutorial(recipe: Recipe) -> Tutorial:
    """The whole script in steps."""
    lora = recipe.lora is not None
    evaluates = recipe.rows.held_out > 0
    return Tutorial(
        title=_title(recipe),
        text=_text(recipe),
        packages=recipe.packages,
        imports=[
            "import torch",
            "from datasets import load_dataset",
            *(["from peft import LoraConfig"] if lora else []),
            "from transformers import AutoModelForCausalLM, AutoTokenizer",
            "from trl import SFTConfig, SFTTrainer",
        ],
        steps=[
            _model(recipe),
            _rows(recipe),
            *([] if recipe.rows.shape == "tokens" else [_tokens(recipe)]),
            *([_adapter(recipe.lora)] if recipe.lora is not None else []),
            _settings(recipe),
            _training(recipe, evaluates=evaluates),
            _saving(),
            _asking(recipe),
        ],
    )


def told(recipe: Recipe) -> dict[str, object]:
    """The run's arguments of `SFTConfig` that are not what TRL does anyway."""
    training = recipe.subject.config.training
    arguments = trainer_arguments(training, recipe.precision, "cpu", Path("out"), evaluates=recipe.rows.held_out > 0)
    arguments["report_to"] = "none"  # a tracker is the person's own choice, wherever the script runs
    if training.max_steps is not None:
        del arguments["num_train_epochs"]
    if not training.save_steps:
        del arguments["save_steps"]
    if not recipe.rows.held_out:
        del arguments["per_device_eval_batch_size"]
    if training.log_steps == 1:
        del arguments["logging_first_step"]
    if recipe.precision.compute == "bfloat16":
        arguments["use_cpu"] = Verbatim("not torch.cuda.is_available()")
    else:
        del arguments["use_cpu"]
    return {
        name: value
        for name, value in (arguments | {"max_length": recipe.max_length}).items()
        if name not in UNTOLD and not (name in USUAL and USUAL[name] == value)
    }


def _title(recipe: Recipe) -> str:
    how = "with LoRA" if recipe.lora is not None else "of every weight"
    return f"{plain(recipe.subject.title)}: supervised fine-tuning of {plain(recipe.subject.base.title)} {how}"


def _text(recipe: Recipe) -> str:
    subject = recipe.subject
    beside = [TRAIN, *([HELD_OUT] if recipe.rows.held_out else []), *([] if subject.base.exact else [f"{BASE}/"])]
    needed = " and ".join(filter(None, [", ".join(beside[:-1]), beside[-1]]))
    return (
        f"Repeats run {subject.record.id} of the Post-training Playground with TRL alone: the same rows in the same "
        "order, the same seed, and so the same loss at every step, to the rounding of the machine it runs on."
        f"\n\nIt needs {needed} beside it, and the packages it names in those versions."
    )


def _model(recipe: Recipe) -> Step:
    base = recipe.subject.base
    place = literal(base.hub_id) if base.exact else f"str(HERE / {literal(BASE)})"
    if base.exact:
        whose = "The Hub has it; the path of a folder does as well."
    elif base.converted:
        whose = f"It is a copy of {base.hub_id} whose weights were once rounded to about 4 bits, as the run had it."
    else:
        whose = "It lies beside this file."
    weights = recipe.precision.weights
    reason = (
        "Its weights are frozen, so they are kept in the format of the computation."
        if recipe.lora is not None
        else "Weights that are trained stay in float32: an update is often smaller than half precision can add."
    )
    return Step(
        "The model to be tuned",
        f"{whose} {reason}",
        f"BASE = {place}\n\ntokenizer = AutoTokenizer.from_pretrained(BASE)\n"
        f"model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.{weights})",
    )


def _rows(recipe: Recipe) -> Step:
    rows = recipe.rows
    config = recipe.subject.config.data
    files = [f'"train": str(HERE / "{TRAIN}")']
    if rows.held_out:
        files.append(f'"validation": str(HERE / "{HELD_OUT}")')
    many = f"{rows.train} rows to train on" + (f" and {rows.held_out} to measure with" if rows.held_out else "")
    inside = (
        "each a prompt that the model reads and a completion that it learns to give"
        if rows.shape == "pairs"
        else "each in parts, of which the model learns some and reads the others"
    )
    tokens = " They bring the run's tokens along, which nothing simpler would give." if rows.shape == "tokens" else ""
    body = "\n".join(f"    {file}," for file in files)
    return Step(
        "The rows",
        f"{many}, {inside}. The template {config.template} has put them into words; here is the first.{tokens}",
        f'rows = load_dataset(\n    "json",\n    data_files={{\n{_indented(body)}\n    }},\n)\nprint(rows["train"][0])',
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _tokens(recipe: Recipe) -> Step:
    rows = recipe.rows
    pairs = rows.shape == "pairs"
    learns_all = cast("SFTSettings", recipe.subject.config.options).loss_on == "all"
    parts = (
        '((row["prompt"], False), (row["completion"], True))'
        if pairs
        else '[(part["text"], part["learn"]) for part in row["parts"]]'
    )
    learnt = "added" if learns_all else "added if learn else [-100] * len(added)"
    loop = "part, _" if learns_all else "part, learn"
    code = f'''\
def encode(row):
    """Token ids, and labels: the ids again where the model learns, -100 where it only reads."""
    text, ids, labels = "", [], []
    for {loop} in {parts}:
        text += part
        added = tokenizer(text, add_special_tokens={rows.framed})["input_ids"]
        if added[: len(ids)] == ids:
            added = added[len(ids) :]
        else:  # a token would reach across the seam
            added = tokenizer(part, add_special_tokens=False)["input_ids"]
        ids += added
        labels += {learnt}
    labels[0] = -100  # nothing stands before the first token, so no model predicts it
    return {{"input_ids": ids, "labels": labels}}


rows = rows.map(encode, remove_columns=rows["train"].column_names)'''
    what = (
        "Every token but the first is in the loss, the prompt's too."
        if learns_all
        else "The loss counts the answer's tokens alone; those of the prompt are masked."
    )
    return Step(
        "From text to tokens and labels",
        f"{what} Every part is tokenized in sight of what stands before it and never of what follows, so that a "
        "prompt has the same tokens here as when the model is asked.",
        code,
    )


def _adapter(lora: Mapping[str, object]) -> Step:
    arguments = {name: value for name, value in lora.items() if not (name == "fan_in_fan_out" and not value)}
    return Step(
        "What is trained: a low-rank adapter",
        "Beside every weight matrix named here, W, stands a product of two narrow ones, B·A, of rank r. They alone are "
        "trained, and what they add is scaled by lora_alpha / r (Hu et al. 2021, arXiv:2106.09685).",
        "adapter = " + call("LoraConfig", {"task_type": "CAUSAL_LM", **arguments}),
    )


def _settings(recipe: Recipe) -> Step:
    named = {"output_dir": Verbatim('str(HERE / "out")'), **told(recipe)}
    return Step(
        "How it is trained",
        "What is not named here is as TRL has it. The seed decides the order of the rows, dropout and the start of "
        "the adapter.",
        "settings = " + call("SFTConfig", named, comments=COMMENTS),
    )


QUIET = '''\
    def evaluate(self, *args, **kwargs):
        """Looks without touching: draws none of the random numbers that dropout will want."""
        with torch.random.fork_rng():
            return super().evaluate(*args, **kwargs)
'''
WEIGHTED = '''\
    def compute_loss(self, model, inputs, *args, num_items_in_batch=None, **kwargs):
        """The mean over rows of weight times mean token loss; a key token adds alpha."""
        seen = []
        hook = model.register_forward_hook(lambda module, given, output: seen.append(output))
        super().compute_loss(model, inputs, *args, num_items_in_batch=num_items_in_batch, **kwargs)
        hook.remove()
        log_probs, learnt = seen[0].log_probs, seen[0].label_mask
        rows = -(log_probs * learnt).sum(-1) / learnt.sum(-1).clamp(min=1)
        keys = torch.isin(inputs["input_ids"], torch.tensor(KEY_TOKENS, device=log_probs.device))
        weights = ALPHA * (1 + (keys & inputs["attention_mask"].bool()).sum(-1))
        batches = 1 if num_items_in_batch is None else self.current_gradient_accumulation_steps
        return (weights * rows).mean() / batches
'''


def _training(recipe: Recipe, *, evaluates: bool) -> Step:
    methods = [*([WEIGHTED] if recipe.key_tokens else []), *([QUIET] if evaluates else [])]
    made = "class Trainer(SFTTrainer):\n" + "\n".join(methods) + "\n\n" if methods else ""
    if recipe.key_tokens:
        alpha = cast("SFTSettings", recipe.subject.config.options).key_token_alpha
        made = f"KEY_TOKENS = {list(recipe.key_tokens)}\nALPHA = {alpha}\n\n\n{made}"
    arguments: dict[str, object] = {
        "model": Verbatim("model"),
        "args": Verbatim("settings"),
        "train_dataset": Verbatim('rows["train"]'),
        **({"eval_dataset": Verbatim('rows["validation"]')} if evaluates else {}),
        "processing_class": Verbatim("tokenizer"),
        **({"peft_config": Verbatim("adapter")} if recipe.lora is not None else {}),
    }
    code = f"trainer = {call('Trainer' if methods else 'SFTTrainer', arguments)}\ntrainer.train()"
    return Step(
        "The training",
        "TRL shuffles, pads, computes the cross-entropy over the labels and steps the optimiser; the loss is printed "
        "as it goes.",
        made + code,
    )


def _saving() -> Step:
    return Step(
        "What is kept",
        "The trained weights as safetensors, with the tokenizer.",
        'trainer.save_model(str(HERE / "out"))',
    )


def _asking(recipe: Recipe) -> Step:
    code = f"""\
{assigned("prompt", recipe.rows.prompt)}
ids = tokenizer(prompt, add_special_tokens={recipe.rows.framed}, return_tensors="pt").to(trainer.model.device)
trainer.model.eval()
answer = trainer.model.generate(**ids, max_new_tokens=50, do_sample=False)
print(tokenizer.decode(answer[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))"""
    which = "held-out" if recipe.rows.held_out else "training"
    return Step("Ask it something", f"The prompt of the first {which} row, answered greedily.", code)
