"""Settings of supervised fine-tuning."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from playground.config.methods.method import MethodSettings
from playground.config.settings import Range


@dataclass(frozen=True)
class SFTSettings(MethodSettings):
    """Supervised fine-tuning: next-token cross-entropy on example answers."""

    section: ClassVar[str] = "sft"
    words = "supervised fine-tuning"
    soft_prompts = True
    headline = ("eval_label_accuracy", "eval_loss")

    loss_on: Literal["response", "all"] = "response"
    """`response` masks the prompt with -100, so that the model learns to answer; `all` learns to write prompts too."""
    key_tokens: tuple[str, ...] | None = None
    """Words that matter, with commas between: rows in which they occur count more. A row's weight is
    α·(1 + occurrences), and the loss the mean over rows of weight times mean token loss. Empty counts every token the
    same."""
    key_token_alpha: Annotated[float, Range(above=0, maximum=1000)] = 1.0
    """Factor α of every row's weight where there are key tokens; it scales the whole loss like a learning rate."""
