"""Ready configs can be run as they are; presets change what they say and nothing else."""

from pathlib import Path

import pytest

from playground.config import codec, presets
from playground.config.methods import METHODS
from playground.config.run import AdapterSettings, DataSettings, RunConfig, TrainingSettings
from playground.errors import ConfigError


@pytest.mark.parametrize("name", presets.ready_names())
def test_a_ready_config_is_a_run(name: str) -> None:
    codec.decode(presets.read(name))


def test_the_ready_configs_are_what_the_documentation_says() -> None:
    assert set(presets.ready_names()) >= {"sft-instructions", "sft-codealpaca"}
    instructions = codec.decode(presets.read("sft-instructions"))
    assert instructions.data == DataSettings(source="instructions", template="alpaca", split=(0.85, 0.1, 0.05))
    assert (instructions.training.max_steps, instructions.training.batch_size) == (40, 4)
    code = codec.decode(presets.read("sft-codealpaca"))
    assert code.data.empty_input_only
    assert (code.data.template, code.data.split, code.data.seed) == ("instruction-response", (0.8, 0.2), 42)
    assert code.adapter == AdapterSettings(rank=16, alpha=32, dropout=0.1, targets=("q_proj", "v_proj"))


@pytest.mark.parametrize("preset", presets.PRESETS, ids=lambda preset: preset.name)
def test_a_preset_changes_its_settings_and_leaves_the_rest(preset: presets.Preset) -> None:
    before = RunConfig(
        method=preset.methods[0],
        options=METHODS[preset.methods[0]](),
        model="gpt2",
        name="mine",
        data=DataSettings(source="a.json", limit=9),
        training=TrainingSettings(seed=7, save_steps=3, max_steps=5),
    )
    after = preset.over(before)
    assert (after.model, after.name, after.data) == (before.model, before.name, before.data)
    assert (after.training.seed, after.training.save_steps) == (7, 3)
    assert after != before
    document = codec.encode(after)
    for section, values in preset.values.items():
        assert {key: document[section][key] for key in values} == values
    assert preset.over(after) == after


def test_presets_by_name() -> None:
    assert presets.preset("course").over(RunConfig()).training.max_steps is None
    assert presets.preset("full-fine-tuning").over(RunConfig()).adapter.kind == "none"
    with pytest.raises(ConfigError, match="no preset 'fast'; known are quick-look"):
        presets.preset("fast")


def test_a_config_is_read_from_a_file_or_by_its_bare_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('\ufeff{"name": "mine"}', encoding="utf-8")
    assert presets.read(str(file)) == {"name": "mine"}
    assert presets.read("sft-instructions") == presets.read("sft-instructions.json")
    assert presets.read("sft-instructions")["method"] == "sft"


def test_a_file_goes_before_a_ready_config_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sft-instructions").write_text("{}", encoding="utf-8")
    assert presets.read("sft-instructions") == {}


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sft-instrutions is not there; did you mean sft-instructions\?"):
        presets.read("sft-instrutions")
    with pytest.raises(ConfigError, match=r"zzz is not there; ready configs are .*sft-codealpaca"):
        presets.read("zzz")
    with pytest.raises(ConfigError, match="cannot be read"):
        presets.read(str(tmp_path))
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match="not a text file"):
        presets.read(str(binary))
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"broken\.json: Not valid JSON at line 1"):
        presets.read(str(broken))


def test_the_schema_is_not_a_config() -> None:
    assert "schema" not in presets.ready_names()
    with pytest.raises(ConfigError, match="schema is not there"):
        presets.read("schema")
