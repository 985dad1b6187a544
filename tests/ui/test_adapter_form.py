"""The Train form shows the settings of the chosen kind of adapter, and words for labels where there are labels."""

import pytest

from playground.config import codec
from playground.config.run import ADAPTER_SETTINGS, TEMPLATES, AdapterSettings
from playground.config.settings import setting
from playground.ui import run_form, run_values
from playground.ui.adapter_form import FIELDS, show_adapter


@pytest.mark.parametrize("kind", setting(AdapterSettings, "kind").choices)
def test_a_kind_shows_its_own_settings_and_no_others(kind: str) -> None:
    explained, *fields = show_adapter(kind)
    assert f"adapter.{kind}.help" in str(explained["info"])
    seen = [name for name, update in zip(FIELDS, fields, strict=True) if update["visible"] is True]
    assert tuple(seen) == ADAPTER_SETTINGS[kind]


def test_every_setting_belongs_to_a_kind() -> None:
    assert set(FIELDS) == {name for names in ADAPTER_SETTINGS.values() for name in names}


def test_words_for_labels_are_there_where_a_label_is() -> None:
    shown = [name for name in TEMPLATES if run_form.show_words(name)["visible"] is True]
    assert shown == ["classification", "custom"]


def test_words_are_written_as_json_and_read_back() -> None:
    config = codec.decode({"data": {"verbalizer": {"0": "negative", "1": "positive"}}})
    [written] = run_values.field_values(["data.verbalizer"], config)
    assert written == '{"0": "negative", "1": "positive"}'
    values = ("sft", "", "tiny", "instructions", written)
    assert run_values.document(["data.verbalizer"], values)["data"]["verbalizer"] == config.data.verbalizer
