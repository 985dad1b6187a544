"""Reading prompts in groups: the cheapest ones, and the same keys and values as reading each alone."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from playground.models.prefill import PASS_TOKENS, Group, keys_and_values, left_padded, plan, read
from tests.small_models import FAMILIES

LONG, OTHER = list(range(10, 50)), list(range(60, 110))


def test_two_templates_make_two_groups() -> None:
    prompts = [[*LONG, 1, 2], [*OTHER, 3], [*LONG, 4, 5, 6], [*LONG, 1, 7], [*OTHER, 8, 9], [*OTHER, 8, 3]]
    assert plan(prompts) == [Group([0, 3, 2], 40), Group([1, 5, 4], 50)]


def test_groups_that_save_nothing_are_not_made() -> None:
    assert plan([[1, 2, 3]]) == []
    assert plan([[1, 2, 3], [1, 2, 4]]) == []
    assert plan([LONG]) == []
    assert plan([[1], *[LONG] * 8]) == [], "nothing stands before the last token of the first"


def test_equal_prompts_keep_a_token_of_their_own() -> None:
    assert plan([LONG] * 4) == [Group([0, 1, 2, 3], 39)]


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=60), min_size=1, max_size=12))
def test_a_plan_holds_every_prompt_once_and_shares_only_what_is_shared(prompts: list[list[int]]) -> None:
    # Prompts of one template, so that there is something to plan.
    prompts = [LONG + prompt for prompt in prompts]
    groups = plan(prompts)
    if groups:
        assert sorted(row for group in groups for row in group.rows) == list(range(len(prompts)))
    for group in groups:
        members = [prompts[row] for row in group.rows]
        assert all(one[: group.shared] == other[: group.shared] for one, other in pairwise(members))
        assert all(len(member) > group.shared for member in members)
    cost = sum(
        PASS_TOKENS * (1 + (group.shared > 0))
        + group.shared
        + len(group.rows) * (max(len(prompts[row]) for row in group.rows) - 1 - group.shared)
        for group in groups
    )
    assert cost < len(prompts) * max(map(len, prompts))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_read_in_groups_is_what_is_read_alone(small_models: dict[str, Path], family: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(small_models[family])
    prompts = [[*LONG, 11, 12], [*OTHER, 13], [*LONG, 14, 15, 16], [*OTHER, 18, 19, 20, 21, 22], [*LONG, 14]]
    with torch.no_grad():
        found = read(model, prompts, [Group([0, 2, 4], 40), Group([1], 0), Group([3], 0)], {})
        assert found.rows == [0, 2, 4, 1, 3]
        for place, row in enumerate(found.rows):
            assert found.ids[place][found.mask[place] == 1].tolist() == prompts[row]
            alone = model(torch.tensor([prompts[row][:-1]]), use_cache=True).past_key_values
            kept = found.mask[place, :-1] == 1
            for layer in range(len(alone.layers)):
                for states, expected in zip(
                    keys_and_values(found.cache, layer), keys_and_values(alone, layer), strict=True
                ):
                    torch.testing.assert_close(states[place][:, kept], expected[0], atol=1e-5, rtol=0)


def test_left_padding() -> None:
    ids, mask = left_padded([[3], [4, 5, 6]], 9, torch.device("cpu"))
    assert ids.tolist() == [[9, 9, 3], [4, 5, 6]]
    assert mask.tolist() == [[0, 0, 1], [1, 1, 1]]
