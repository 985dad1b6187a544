from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import gradio as gr
import pytest
from gradio.i18n import I18nData

from playground.config.run import AdapterSettings, TrainingSettings
from playground.config.settings import Range, Settings
from playground.ui import forms


@dataclass(frozen=True)
class Sample(Settings):
    """For these tests."""

    section: ClassVar[str] = "sample"

    count: Annotated[int, Range(1, 9)] = 3
    share: Annotated[float, Range(0, 1)] = 0.5
    open_end: Annotated[float, Range(above=0)] = 2.0
    way: Literal["first", "last"] = "last"
    on: bool = True
    words: tuple[str, ...] | None = None


def test_a_number_takes_default_and_range_from_the_config() -> None:
    field = forms.number_for(Sample, "count")
    assert (field.value, field.minimum, field.maximum, field.precision) == (3, 1, 9, 0)
    assert field.elem_id == "set-sample-count"
    assert forms.number_for(Sample, "share").precision is None


def test_label_and_help_are_translated_by_path() -> None:
    field = forms.number_for(AdapterSettings, "rank")
    assert isinstance(field.label, I18nData)
    assert field.label.key == "setting.adapter.rank.label"
    assert isinstance(field.info, I18nData)
    assert field.info.key == "setting.adapter.rank.help"


def test_a_slider_needs_both_ends() -> None:
    slider = forms.slider_for(Sample, "share", step=0.01)
    assert (slider.minimum, slider.maximum, slider.value) == (0, 1, 0.5)
    with pytest.raises(ValueError, match=r"sample\.open_end has no finite range"):
        forms.slider_for(Sample, "open_end", step=0.1)
    assert forms.slider_for(Sample, "open_end", step=0.1, maximum=4).maximum == 4


def test_a_choice_offers_exactly_what_the_config_allows() -> None:
    field = forms.choice_for(Sample, "way")
    assert [value for _, value in field.choices] == ["first", "last"]
    assert field.value == "last"


def test_options_override() -> None:
    field = forms.number_for(TrainingSettings, "max_steps", value=40, elem_id="train-steps")
    assert (field.value, field.elem_id) == (40, "train-steps")


def test_boxes_and_lists() -> None:
    assert forms.checkbox_for(Sample, "on").value is True
    assert isinstance(forms.text_for(Sample, "words"), gr.Textbox)
    assert forms.split_texts(" q_proj, v_proj ,") == ("q_proj", "v_proj")
    assert forms.split_texts("  ") is None
