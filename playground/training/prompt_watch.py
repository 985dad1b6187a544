"""What a soft prompt learns, in words: the tokens of the vocabulary that each virtual token is nearest to.

Soft prompts rarely read as a sentence. Lester et al. 2021 (arXiv:2104.08691, section 7) look at them in the same way,
by cosine similarity.
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity
from transformers import PreTrainedTokenizerBase, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from playground.models.detokenise import token_texts
from playground.models.soft_prompts import prompt_of
from playground.runs.context import JobContext
from playground.runs.events import Snapshot

FIGURE = "sft.soft_prompt"
NEAREST = 4
TOKENS_SHOWN = 64
"""Virtual tokens of one snapshot: some 8 kB."""
DIGITS = 3


class PromptWatch(TrainerCallback):
    """Tells of the soft prompt before the first step, every so many steps and after the last."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, every: int, context: JobContext) -> None:
        self._tokenizer = tokenizer
        self._every = every
        self._context = context
        self._texts: list[str] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if not state.global_step:
            self._tell(state.global_step, kwargs["model"])

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.global_step % self._every == 0 or state.global_step == state.max_steps:
            self._tell(state.global_step, kwargs["model"])

    def _tell(self, step: int, model: Any) -> None:
        words = cast("Tensor", model.get_base_model().get_input_embeddings().weight.detach())
        self._texts = self._texts or token_texts(self._tokenizer, words.shape[0])
        prompt = prompt_of(model)[:TOKENS_SHOWN]
        near, ids = nearest(prompt, words, NEAREST)
        self._context.emit(
            Snapshot(
                step,
                FIGURE,
                {
                    "total": model.active_peft_config.num_virtual_tokens,
                    "tokens": [[self._texts[token] for token in row] for row in ids.tolist()],
                    "cosines": _rounded(near),
                    "norms": _rounded(prompt.norm(dim=-1)),
                    "word_norm": round(float(words.float().norm(dim=-1).mean()), DIGITS),
                },
            )
        )


def nearest(prompt: Tensor, words: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Cosines and ids of the nearest words, nearest first: (n, width), (vocab, width) -> (n, count) each."""
    return torch.stack([cosine_similarity(row, words.float()) for row in prompt]).topk(count)


def _rounded(values: Tensor) -> Any:
    return [
        [round(one, DIGITS) for one in row] if isinstance(row, list) else round(row, DIGITS) for row in values.tolist()
    ]
