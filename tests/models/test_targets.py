"""Wrong targets are told before a run is queued, wherever the model's files are at hand."""

from pathlib import Path
from typing import Any

import pytest

from playground.config.codec import decode
from playground.config.run import RunConfig
from playground.errors import ModelError
from playground.jobs.submission import submit
from playground.models.targets import check_targets_early
from playground.runs.store import RunStore


def config_of(model: Any, *targets: str, kind: str = "lora") -> RunConfig:
    return decode({"model": str(model), "adapter": {"kind": kind, "targets": list(targets) or None}})


def test_the_models_own_names_pass(small_models: dict[str, Path]) -> None:
    for family, targets in (
        ("llama", ("q_proj", "self_attn.v_proj", "down_proj", "lm_head")),
        ("gpt2", ("c_attn", "attn.c_proj")),
        ("opt", ("q_proj", "fc1")),
        ("llama", ("all-linear",)),
        ("llama", ()),
    ):
        check_targets_early(config_of(small_models[family], *targets))
    check_targets_early(config_of("tiny", "gate_proj"))


@pytest.mark.parametrize(
    ("family", "target", "message"),
    [
        ("llama", "q_prj", r"no module q_prj; did you mean q_proj\? It has .*v_proj"),
        ("gpt2", "q_proj", r"no module q_proj; .*It has .*c_attn"),
        ("llama", "embed_tokens", "no module embed_tokens"),
        ("llama", "input_layernorm", "no module input_layernorm"),
    ],
)
def test_others_are_named_with_what_there_is(
    family: str, target: str, message: str, small_models: dict[str, Path]
) -> None:
    with pytest.raises(ModelError, match=message):
        check_targets_early(config_of(small_models[family], target))


def test_what_cannot_be_told_yet_is_left_to_the_run(small_models: dict[str, Path], tmp_path: Path) -> None:
    check_targets_early(config_of("somebody/never-fetched", "anything"))
    check_targets_early(config_of(tmp_path / "nowhere", "anything"))
    check_targets_early(config_of(small_models["llama"], "anything", kind="none"))


def test_a_run_with_a_wrong_target_is_not_even_queued(small_models: dict[str, Path], tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    document = {"model": str(small_models["llama"]), "adapter": {"targets": ["c_attn"]}}
    with pytest.raises(ModelError, match="no module c_attn"):
        submit(store, "run", document)
    assert store.list("run") == []
    store.close()
