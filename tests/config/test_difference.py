"""What differs between two configs, and what only looks as if it did."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.config import codec
from playground.config.difference import UNSET, Compared, compare
from playground.config.run import AdapterSettings, DataSettings, RunConfig, RunRef, TrainingSettings

CONFIG = RunConfig()
VALUES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab.", max_size=2)
DOCUMENTS = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), VALUES | st.lists(VALUES, max_size=2), max_size=4),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), VALUES | inner, max_size=4),
    max_leaves=8,
)


def differing(first: Any, second: Any) -> list[Compared]:
    return [found for found in compare(first, second) if found.differs]


def test_only_what_differs_differs_in_the_order_of_the_config() -> None:
    changed = replace(
        CONFIG,
        model=RunRef("sft-abc234"),
        data=DataSettings(columns={"instruction": "question"}, split=(0.8, 0.2)),
        adapter=AdapterSettings(kind="none", targets=("q_proj", "v_proj")),
        training=TrainingSettings(max_steps=40, batch_size=8),
    )
    assert differing(codec.encode(CONFIG), codec.encode(changed)) == [
        Compared("model", "smollm2-135m-instruct", {"run": "sft-abc234"}),
        Compared("data.columns", {}, {"instruction": "question"}),
        Compared("data.split", [0.85, 0.1, 0.05], [0.8, 0.2]),
        Compared("adapter.kind", "lora", "none"),
        Compared("adapter.targets", None, ["q_proj", "v_proj"]),
        Compared("training.max_steps", None, 40),
        Compared("training.batch_size", 4, 8),
    ]


def test_a_config_does_not_differ_from_itself_after_a_file() -> None:
    document = codec.encode(CONFIG)
    read = json.loads(json.dumps(document))
    assert differing(document, read) == []
    assert [found.path for found in compare(document, read)][:4] == ["method", "model", "name", "data.source"]


def test_unset_is_not_null() -> None:
    older = codec.encode(CONFIG)
    del older["training"]["max_steps"], older["sft"]
    found = {one.path: one for one in differing(older, codec.encode(CONFIG))}
    assert found == {
        "training.max_steps": Compared("training.max_steps", UNSET, None),
        "sft.loss_on": Compared("sft.loss_on", UNSET, "response"),
        "sft.key_tokens": Compared("sft.key_tokens", UNSET, None),
        "sft.key_token_alpha": Compared("sft.key_token_alpha", UNSET, 1.0),
    }


def test_what_only_the_second_has_stands_with_its_section() -> None:
    paths = [one.path for one in compare({"a": {"x": 1}, "b": 2}, {"c": {"z": 3}, "a": {"y": 4, "x": 1}})]
    assert paths == ["a.x", "a.y", "b", "c.z"]


@pytest.mark.parametrize(
    ("first", "second", "differs"),
    [(32, 32.0, False), (True, 1, True), (False, 0, True), ([1, True], [1.0, 1], True), ([1], [1.0], False),
     ("1", 1, True), (None, False, True), ([], None, True)],
)  # fmt: skip
def test_numbers_are_compared_as_numbers_and_nothing_else_is(first: Any, second: Any, differs: bool) -> None:
    assert Compared("x", first, second).differs is differs


@given(DOCUMENTS, DOCUMENTS)
def test_both_ways_see_the_same_differences(first: Any, second: Any) -> None:
    there = {(one.path, repr(one.first), repr(one.second)) for one in differing(first, second)}
    back = {(one.path, repr(one.second), repr(one.first)) for one in differing(second, first)}
    assert there == back
    assert len({one.path for one in compare(first, second)}) == len(compare(first, second))
    assert differing(first, first) == []
