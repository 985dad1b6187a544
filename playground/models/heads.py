"""Reward models: a language model's trunk with a head that gives one score in place of the next token.

The score of a text is what the head says at its last token, by transformers' own classes for sequence classification
and TRL's way with them: the last token that is not the padding token. Where a tokenizer pads with its
end-of-sequence token, that is the token before the end.
"""

import copy
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutput

from playground.errors import ModelError
from playground.models.reading import UNREADABLE

HEAD = "score"
"""What transformers calls the head in all of its decoders."""
SPREAD = 0.02
"""Standard deviation of a new head's weights, as transformers draws them."""


def with_head(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, seed: int) -> PreTrainedModel:
    """A causal model as a reward model: on the same trunk, in the same memory, with a new head drawn from `seed`.

    Raises:
        ModelError: transformers has no model of this architecture with such a head.
    """
    config = copy.deepcopy(model.config)
    config.num_labels = 1
    config.pad_token_id = tokenizer.pad_token_id
    try:
        with torch.device("meta"):
            scorer: Any = AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ModelError(
            f"transformers has no {type(model).__name__} that gives scores; a reward model needs another architecture, "
            "such as Llama, GPT-2, OPT or Qwen."
        ) from error
    beside = {name for name, _ in scorer.named_children()} - {scorer.base_model_prefix}
    if beside != {HEAD}:
        raise ModelError(f"{type(scorer).__name__} has no plain head named {HEAD}: found {', '.join(sorted(beside))}.")
    setattr(scorer, scorer.base_model_prefix, model.base_model)
    drawn = torch.empty(1, scorer.score.in_features)
    drawn.normal_(std=SPREAD, generator=torch.Generator().manual_seed(seed))
    # Trained weights stay in float32 whatever the trunk's format; autocast brings the two together.
    scorer.score = torch.nn.Linear(drawn.shape[1], 1, bias=False, device=model.device, dtype=torch.float32)
    scorer.score.weight.data.copy_(drawn)
    made: PreTrainedModel = scorer.train(model.training)
    return made


def read_with_head(folder: Path, title: str, tokenizer: PreTrainedTokenizerBase, dtype: torch.dtype) -> PreTrainedModel:
    """A reward model of which every weight was trained, from its folder.

    Raises:
        ModelError: it is damaged, or has no head.
    """
    try:
        scorer, told = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
    except UNREADABLE as error:
        raise ModelError(f"{title} cannot be read: {(str(error).splitlines() or [''])[0]}") from error
    if lacking := sorted(told["missing_keys"]):
        raise ModelError(f"{title} is not whole: {len(lacking)} of its tensors are missing, such as {lacking[0]}.")
    scorer.config.pad_token_id = tokenizer.pad_token_id
    model: PreTrainedModel = scorer
    return model


def is_scorer(model: torch.nn.Module) -> bool:
    """Whether a model has a head that gives scores."""
    return HEAD in dict(model.named_children())


def running_scores(scorer: PreTrainedModel, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What the head says at every position.

    Args:
        scorer: without a `PeftModel` around it; adapters inside count.
        ids, mask: (B, length), padded on the right.

    Returns:
        (B, length), float32; what stands at padding means nothing.
    """
    trunk, head = (scorer.get_submodule(name) for name in (scorer.base_model_prefix, HEAD))
    read: BaseModelOutput = trunk(input_ids=ids, attention_mask=mask, use_cache=False)
    scores: torch.Tensor = head(read.last_hidden_state)
    return scores.squeeze(-1).float()
