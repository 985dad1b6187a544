"""A text's trace against one plain forward pass, whatever the pieces it was read in."""

import math
import random
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from playground.errors import ModelError, PlaygroundError
from playground.models import trace as module
from playground.models.generation import context_length, next_logits
from playground.models.trace import Trace, trace
from tests.small_models import FAMILIES

TEXT = "Below is an instruction that describes a task. The film was a film like many a film before it."


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest, small_models: dict[str, Path]) -> PreTrainedModel:
    found: PreTrainedModel = AutoModelForCausalLM.from_pretrained(small_models[request.param])
    return found


@pytest.fixture(scope="module")
def gpt2(small_models: dict[str, Path]) -> PreTrainedModel:
    found: PreTrainedModel = AutoModelForCausalLM.from_pretrained(small_models["gpt2"])
    return found


@pytest.fixture(scope="module")
def ids(small_models: dict[str, Path]) -> list[int]:
    found: list[int] = AutoTokenizer.from_pretrained(small_models["gpt2"])(TEXT)["input_ids"]
    return found


def plainly(model: PreTrainedModel, ids: list[int]) -> Tensor:
    """Logits of one forward pass over everything, (length, vocab)."""
    with torch.no_grad():
        found: Tensor = model(input_ids=torch.tensor([ids])).logits[0].float()
    return found


def check(found: Trace, logits: Tensor, ids: list[int]) -> None:
    log_probabilities = logits.log_softmax(-1)
    assert len(found.ranks) == len(ids) - found.start
    for at, place in enumerate(range(found.start, len(ids))):
        row, token = log_probabilities[place - 1], ids[place]
        assert found.log_probabilities[at].item() == pytest.approx(row[token].item(), abs=1e-4)
        assert found.entropies[at].item() == pytest.approx(-(row.exp() * row).sum().item(), abs=1e-4)
        assert found.ranks[at].item() == pytest.approx((row > row[token] + 1e-4).sum().item() + 1, abs=1)
        torch.testing.assert_close(found.alternative_log_probabilities[at], row.topk(10).values, atol=1e-4, rtol=0)
        torch.testing.assert_close(
            row[found.alternatives[at].long()], found.alternative_log_probabilities[at], atol=1e-4, rtol=0
        )
    torch.testing.assert_close(found.next_logits, logits[-1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("piece", [1, 3, 7, 1000])
@pytest.mark.parametrize("last", [1, 5, 10_000])
@pytest.mark.parametrize("cached", [True, False])
def test_pieces_change_nothing(
    model: PreTrainedModel, ids: list[int], piece: int, last: int, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [token % model.config.vocab_size for token in ids]
    monkeypatch.setattr(module, "LOGITS_AT_ONCE", piece * model.config.vocab_size)
    if not cached:
        monkeypatch.setattr(module, "keeps_all", lambda _: False)
    found = trace(model, ids, last=last)
    assert found.start == max(1, len(ids) - last)
    check(found, plainly(model, ids), ids)


def test_never_more_than_a_piece_of_logits_at_once(
    gpt2: PreTrainedModel, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOGITS_AT_ONCE", 4 * gpt2.config.vocab_size)
    sizes: list[int] = []
    head: torch.nn.Module = gpt2.get_output_embeddings()  # type: ignore[no-untyped-call]
    hook = head.register_forward_hook(lambda *given: sizes.append(given[-1].shape[1]))
    try:
        trace(gpt2, ids, last=len(ids))
    finally:
        hook.remove()
    assert max(sizes) == 4
    assert sum(sizes) == len(ids)


def test_the_first_token_has_nothing_before_it(gpt2: PreTrainedModel) -> None:
    found = trace(gpt2, [5], last=10)
    assert found.start == 1
    assert len(found.ranks) == len(found.entropies) == len(found.alternatives) == 0
    torch.testing.assert_close(found.next_logits, next_logits(gpt2, [5]))


def test_equal_logits_are_ranked_by_id() -> None:
    followed = torch.tensor([0, 1, 2, 3])
    _, ranks, entropies, best, _ = module._views(torch.tensor([[1.0, 2.0, 1.0, 1.0]]).repeat(4, 1), followed)
    assert ranks.tolist() == [2, 1, 3, 4]
    assert best[0, 0] == 1
    total = math.exp(2) + 3 * math.e
    assert entropies.tolist() == pytest.approx([math.log(total) - (2 * math.exp(2) + 3 * math.e) / total] * 4)


def test_a_text_as_long_as_the_context_and_one_longer(gpt2: PreTrainedModel) -> None:
    context = context_length(gpt2)
    assert context
    dice = random.Random(0)
    ids = [dice.randrange(gpt2.config.vocab_size) for _ in range(context)]
    check(trace(gpt2, ids, last=20), plainly(gpt2, ids), ids)
    with pytest.raises(ModelError, match=f"{context + 1:,} tokens"):
        trace(gpt2, [*ids, 1], last=20)
    with pytest.raises(ModelError, match="empty"):
        trace(gpt2, [], last=20)


def test_a_broken_model_is_named(gpt2: PreTrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpt2.lm_head, "forward", lambda states: torch.full((*states.shape[:-1], 50), torch.nan))
    with pytest.raises(PlaygroundError, match="not finite"):
        trace(gpt2, [1, 2], last=5)
