"""Everything a run is made of. The JSON of a `RunConfig` is what the form builds, the CLI takes and the store keeps."""

import math
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, get_args

from playground.config.methods import METHODS
from playground.config.methods.method import MethodSettings
from playground.config.methods.sft import SFTSettings
from playground.config.settings import Range, Settings
from playground.errors import ConfigError


@dataclass(frozen=True)
class RunRef:
    """The model that an earlier run left behind; `{"run": ID}` in JSON."""

    run: str


ModelRef = str | RunRef
"""A catalogue name, a Hub id, a folder, or an earlier run."""


Template = Literal[
    "alpaca", "instruction-response", "phi-3", "human-assistant", "chat", "plain", "classification", "custom"
]
TEMPLATES: tuple[Template, ...] = get_args(Template)
"""Names of the ways in which a row becomes text; `playground.data.writing` has a module for each."""
CUSTOM: Template = "custom"
SHARES = (0.85, 0.10, 0.05)
"""Train, test and validation, where neither the settings nor the data says otherwise."""


@dataclass(frozen=True)
class DataSettings(Settings):
    """Which rows are used, how they are put into words, and how they are shared out."""

    section: ClassVar[str] = "data"

    source: str = "instructions"
    """A bundled data set's name, a file (JSON, JSONL, CSV, TSV, Parquet), or a data set's id on the Hub."""
    hub_config: str | None = None
    """Configuration of a Hub data set that has several."""
    hub_split: str = "train"
    """Split of a Hub data set to read. Where `split` is null, its `test` and `validation` fellows are read too."""
    columns: dict[str, str] = field(default_factory=dict)
    """Field name to column name, for files whose columns are not recognised: `{"instruction": "question"}`."""
    template: Template = "alpaca"
    """How a row becomes text: `alpaca`, `instruction-response`, `phi-3`, `human-assistant`, `chat` for the model's
    own chat template, `plain` for texts as they stand, `classification`, or `custom`."""
    custom_template: str = ""
    """Text of the template `custom`, fields in braces: `Q: {instruction}\\nA: {output}`. `{{` and `}}` are braces. A
    question about rows with parties names the one that the text speaks of: `{text} Does {party} win? Answer:{label}`.
    """
    verbalizer: dict[str, str] = field(default_factory=dict)
    """The word that stands for each label, as the model is to write it: `{"0": "negative", "1": "positive"}`. Empty
    leaves labels as they are."""
    empty_input_only: bool = False
    """Keep only rows whose input is empty."""
    limit: Annotated[int, Range(1)] | None = None
    """Use at most this many rows (of each part, where the data keeps its own), taken after shuffling; null takes
    all."""
    split: Annotated[tuple[float, ...], Range(0, 1)] | None = SHARES
    """Shares of train, test and validation, in this order; they sum to 1, and validation may be left out. Null keeps
    the data set's own parts; data without parts is then shared out 0.85, 0.10, 0.05."""
    seed: Annotated[int, Range(0, 2**32 - 1)] | None = None
    """Seed of the shuffle before splitting; null keeps the file's order."""

    def conflicts(self) -> Iterator[str]:
        if not self.source.strip():
            yield "data.source is empty; name a bundled data set, a file or a Hub id."
        if self.template == CUSTOM:
            yield from self._custom_problems()
        words = list(self.verbalizer.values())
        if any(not word.strip() for word in words) or len({word.strip().casefold() for word in words}) < len(words):
            yield f"data.verbalizer must give each label a word of its own; got {self.verbalizer!r}."
        if self.split is None:
            return
        if len(self.split) not in (2, 3) or not math.isclose(sum(self.split), 1, abs_tol=1e-6):
            shares = list(self.split)
            yield f"data.split must be two or three shares that sum to 1 (train, test, validation); got {shares}."
        elif self.split[0] == 0:
            yield f"data.split leaves nothing to train on; got {list(self.split)}."

    @property
    def template_text(self) -> str:
        """What `render` takes: the template's name, or the text of the custom one."""
        return self.custom_template if self.template == CUSTOM else self.template

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares for data that is shared out."""
        return SHARES if self.split is None else self.split

    def _custom_problems(self) -> Iterator[str]:
        try:
            fields = [name for _, name, _, _ in string.Formatter().parse(self.custom_template) if name is not None]
        except ValueError as error:
            yield f"data.custom_template cannot be read: {error}; write a brace that is meant as such twice."
            return
        if not fields:
            yield (
                "data.custom_template needs fields in braces where data.template is custom, such as "
                f"'Q: {{instruction}} A: {{output}}'; got {self.custom_template!r}."
            )


SOFT_PROMPTS = ("prompt_tuning", "p_tuning")
"""Kinds of adapter that are a soft prompt."""
ADAPTER_SETTINGS: dict[str, tuple[str, ...]] = {
    "lora": ("rank", "alpha", "dropout", "targets"),
    "prompt_tuning": ("num_virtual_tokens", "prompt_tuning_init_text"),
    "p_tuning": ("num_virtual_tokens", "encoder", "encoder_hidden_size"),
    "none": (),
}
"""By kind of adapter, the settings that it has."""


@dataclass(frozen=True)
class AdapterSettings(Settings):
    """What is trained: a low-rank adapter (LoRA, Hu et al. 2021, arXiv:2106.09685), a soft prompt (Lester et al. 2021,
    arXiv:2104.08691; p-tuning, Liu et al. 2021, arXiv:2103.10385), or every weight."""

    section: ClassVar[str] = "adapter"

    kind: Literal["lora", "prompt_tuning", "p_tuning", "none"] = "lora"
    """`lora` trains a small adapter beside frozen weights; `prompt_tuning` trains nothing but the embeddings of a few
    virtual tokens in front of every text; `p_tuning` has a small network write those embeddings; `none` trains every
    weight of the model."""
    rank: Annotated[int, Range(1, 1024)] = 16
    """Rank of the adapter's update; trainable weights grow linearly with it."""
    alpha: Annotated[float, Range(above=0)] = 32
    """Scale of the update: it is multiplied by alpha / rank."""
    dropout: Annotated[float, Range(0, 0.9)] = 0.1
    """Share of the adapter's inputs set to zero in training."""
    targets: tuple[str, ...] | None = None
    """Modules that get an adapter, such as `q_proj`, `v_proj`; null takes the usual ones for the architecture."""
    num_virtual_tokens: Annotated[int, Range(1, 512)] = 16
    """Length of the soft prompt; with prompt tuning the trained weights are this times the model's width."""
    prompt_tuning_init_text: str = ""
    """The virtual tokens start as this text's tokens, repeated or cut to fit; empty starts them as tokens drawn from
    the vocabulary."""
    encoder: Literal["mlp", "lstm"] = "mlp"
    """The network of p-tuning: three linear layers, or a two-way LSTM before two of them. It is needed for training
    alone; what it wrote is what is kept."""
    encoder_hidden_size: Annotated[int, Range(1, 8192)] = 128
    """Width of that network; its trained weights grow with it."""

    @property
    def is_prompt(self) -> bool:
        """Whether what is learnt is a soft prompt, and no weight of the model changes."""
        return self.kind in SOFT_PROMPTS


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """Optimisation, shared by every method."""

    section: ClassVar[str] = "training"

    max_steps: Annotated[int, Range(1)] | None = None
    """Optimiser steps; empty (null) trains for `epochs` instead."""
    epochs: Annotated[float, Range(above=0)] = 1.0
    """Passes over the training rows, when `max_steps` is null."""
    batch_size: Annotated[int, Range(1, 4096)] = 4
    """Rows per forward pass."""
    gradient_accumulation: Annotated[int, Range(1, 4096)] = 1
    """Forward passes per optimiser step; the effective batch is `batch_size` times this."""
    learning_rate: Annotated[float, Range(above=0, maximum=10)] = 5e-4
    """Peak learning rate; LoRA wants about ten times what full fine-tuning does."""
    optimizer: Literal["adamw_torch", "adamw_torch_fused", "adafactor", "sgd"] = "adamw_torch"
    """AdamW is the usual choice; Adafactor keeps less state; SGD keeps none."""
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    """How the learning rate falls after the warm-up."""
    warmup_steps: Annotated[float, Range(0)] = 0.0
    """Steps over which the learning rate rises from 0; below 1 it is a share of all steps."""
    weight_decay: Annotated[float, Range(0, 1)] = 0.0
    """Pull of the weights towards zero, decoupled from the gradient (Loshchilov and Hutter 2019)."""
    max_grad_norm: Annotated[float, Range(0)] = 1.0
    """Gradients are scaled down to this norm where they exceed it; 0 leaves them."""
    max_length: Annotated[int, Range(8)] = 512
    """Longest row in tokens, prompt and answer together; the rest is cut off."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the computation; auto takes bfloat16 on a GPU that has it and float32 on a CPU."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third more time."""
    eval_steps: Annotated[int, Range(0)] = 10
    """Validation loss every so many steps; 0 turns it off."""
    eval_rows: Annotated[int, Range(1)] = 32
    """Held-out rows used for the validation loss during the run."""
    sample_steps: Annotated[int, Range(0)] = 10
    """Answers to three fixed held-out prompts every so many steps, and before the first; 0 turns it off."""
    sample_tokens: Annotated[int, Range(1, 1024)] = 48
    """Longest sampled answer, in tokens."""
    save_steps: Annotated[int, Range(0)] = 0
    """Checkpoint every so many steps; 0 saves only at the end."""
    log_steps: Annotated[int, Range(1)] = 1
    """A point on the curves every so many steps."""
    report_to: Literal["none", "tensorboard", "trackio", "wandb"] = "none"
    """A tracker that gets the metrics too, where its package is installed. TensorBoard and Weights & Biases write into
    the run's folder, Trackio where it keeps its own."""
    seed: Annotated[int, Range(0, 2**32 - 1)] = 0
    """Seed of the data order, dropout and the adapter's start."""


@dataclass(frozen=True)
class RunConfig(Settings):
    """One run, whole: what is tuned, on what, and how."""

    method: str = "sft"
    """What kind of tuning; each kind has settings of its own beside those that all share."""
    model: ModelRef = "smollm2-135m-instruct"
    """A catalogue name, a Hub id, a folder, or `{"run": ID}` to go on from an earlier run."""
    name: str = ""
    """A name for people; empty makes one from method, model and data."""
    data: DataSettings = DataSettings()
    adapter: AdapterSettings = AdapterSettings()
    training: TrainingSettings = TrainingSettings()
    options: MethodSettings = field(default_factory=SFTSettings)
    """The method's own settings."""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError([f"method must be one of {', '.join(METHODS)}; got {self.method!r}."])
        super().__post_init__()

    def conflicts(self) -> Iterator[str]:
        if not isinstance(self.options, METHODS[self.method]):
            yield f"Settings of {self.method} are needed; got {type(self.options).__name__}."
        if self.adapter.is_prompt and not METHODS[self.method].soft_prompts:
            yield (
                f"adapter.kind {self.adapter.kind} works with method sft; {self.method} compares the model with itself "
                "without its adapter, or scores with a head of its own. Use lora or none."
            )
        name: object = self.model.run if isinstance(self.model, RunRef) else self.model
        if not isinstance(name, str):
            yield f'model must be a text or {{"run": ID}}; got {name!r}.'
        elif not name.strip():
            yield "model is empty; name a catalogue model, a Hub id, a folder or a run."
