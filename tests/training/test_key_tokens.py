"""SFT with key tokens learns from the weighted loss, whatever is accumulated, and says the plain one beside it."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.data.key_tokens import key_token_ids
from playground.data.masking import encode_rows
from playground.data.splits import prepare
from playground.errors import DataError
from tests.training.runs import execute, make_config, without_dropout, write_rows

KEYS = {"key_tokens": ["par", "k"], "key_token_alpha": 0.5}


def test_the_first_loss_is_the_weighted_one_and_accumulation_changes_nothing(
    small_models: dict[str, Path], tmp_path: Path
) -> None:
    model = without_dropout(small_models["llama"], tmp_path / "model")
    rows = write_rows(tmp_path)
    whole = {"data": {"split": [1.0, 0.0]}, "max_steps": 2}
    config = make_config(model, rows, sft=KEYS, batch_size=24, **whole)
    ran = execute(config, tmp_path / "run")
    parts = execute(
        make_config(model, rows, sft=KEYS, batch_size=6, gradient_accumulation=4, **whole), tmp_path / "parts"
    )
    assert parts.values("loss") == pytest.approx(ran.values("loss"), abs=1e-5)

    tokenizer = AutoTokenizer.from_pretrained(model)
    causal = AutoModelForCausalLM.from_pretrained(model)
    keys = key_token_ids(["par", "k"], tokenizer)
    weighted, total, count = [], 0.0, 0
    for row in encode_rows(prepare(config.data).train, config.data.template_text, tokenizer, 512).rows:
        ids = torch.tensor([row.input_ids])
        with torch.no_grad():
            logs = causal(ids).logits[0, :-1].log_softmax(-1).gather(-1, ids[0, 1:, None])[:, 0]
        losses = -logs[torch.tensor(row.completion_mask[1:]).bool()]
        weighted.append(0.5 * (1 + sum(token in keys for token in row.input_ids)) * losses.mean().item())
        total, count = total + losses.sum().item(), count + len(losses)
    assert max(weighted) > 0.5 * min(weighted)
    assert ran.values("loss")[0] == pytest.approx(sum(weighted) / len(weighted), abs=1e-4)
    assert ran.values("unweighted_loss")[0] == pytest.approx(total / count, abs=1e-4)
    assert parts.values("unweighted_loss")[0] == pytest.approx(total / count, abs=1e-4)


def test_a_word_of_several_tokens_is_refused(small_models: dict[str, Path], tmp_path: Path) -> None:
    config = make_config(small_models["llama"], write_rows(tmp_path), sft={"key_tokens": ["incomprehensibilities"]})
    with pytest.raises(DataError, match=r"'incomprehensibilities' is .* · .*Name one of these pieces"):
        execute(config, tmp_path / "run")
