"""Settings read themselves rightly, and none can be built out of its range."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import pytest

from playground.config.evaluation import EvaluationSettings
from playground.config.generation import GenerationSettings
from playground.config.run import AdapterSettings, DataSettings, RunConfig, RunRef, TrainingSettings
from playground.config.settings import Range, Settings, setting, settings_of
from playground.errors import ConfigError

ALL = [DataSettings, AdapterSettings, TrainingSettings, GenerationSettings, EvaluationSettings, RunConfig]


@dataclass(frozen=True)
class Kettle(Settings):
    """A settings class of every kind of field."""

    section: ClassVar[str] = "kettle"

    name: str
    """What it is
    called."""
    litres: Annotated[float, Range(above=0, maximum=3)] = 1.5
    cups: Annotated[int, Range(1)] | None = None
    whistle: bool = True
    """Whether it sings."""
    heat: Literal["gas", "electric"] = "gas"
    shades: tuple[str, ...] = ("black",)
    labels: dict[str, str] = dataclasses.field(default_factory=dict)

    def conflicts(self) -> Iterator[str]:
        if self.heat == "electric" and self.whistle:
            yield "An electric kettle does not whistle."


def test_a_class_is_read_as_it_is_written() -> None:
    found = {item.name: item for item in settings_of(Kettle)}
    assert list(found) == ["name", "litres", "cups", "whistle", "heat", "shades", "labels"]
    assert [item.kind for item in found.values()] == ["text", "float", "int", "bool", "choice", "texts", "mapping"]
    assert found["name"].help == "What it is called."
    assert found["name"].required
    assert not found["litres"].required
    assert found["litres"].help == ""
    assert found["litres"].range == Range(above=0, maximum=3)
    assert found["litres"].path == "kettle.litres"
    assert found["cups"].optional
    assert not found["litres"].optional
    assert found["heat"].choices == ("gas", "electric")
    assert found["labels"].default == {}
    assert setting(TrainingSettings, "learning_rate").label == "Learning rate"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": 3}, "kettle.name must be a text; got 3."),
        ({"name": "\ud83d"}, r"kettle.name must be a text; got '\ud83d'."),
        ({"name": None}, "kettle.name is needed and has no default; got null."),
        ({"litres": 0}, "kettle.litres must be above 0; got 0."),
        ({"litres": 3.5}, "kettle.litres must be at most 3; got 3.5."),
        ({"litres": float("nan")}, "kettle.litres must be a finite number; got nan."),
        ({"litres": float("inf")}, "kettle.litres must be a finite number; got inf."),
        ({"litres": True}, "kettle.litres must be a number; got True."),
        ({"cups": 0}, "kettle.cups must be at least 1; got 0."),
        ({"cups": 2.0}, "kettle.cups must be a whole number; got 2.0."),
        ({"cups": False}, "kettle.cups must be a whole number; got False."),
        ({"whistle": 1}, "kettle.whistle must be true or false; got 1."),
        ({"heat": "sun"}, "kettle.heat must be one of gas, electric; got 'sun'."),
        ({"shades": ["black"]}, "kettle.shades must be a list of texts; got ['black']."),
        ({"labels": {"a": 1}}, "kettle.labels must be an object of texts; got {'a': 1}."),
        ({"heat": "electric"}, "An electric kettle does not whistle."),
    ],
)
def test_a_bad_value_is_named_with_its_path_its_need_and_itself(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Kettle(**({"name": "k"} | values))
    assert caught.value.problems == (sentence,)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        TrainingSettings(batch_size=0, learning_rate=-1.0, seed=2**32)
    assert [problem.split()[0] for problem in caught.value.problems] == [
        "training.batch_size",
        "training.learning_rate",
        "training.seed",
    ]
    assert "must be at most 4294967295" in caught.value.problems[2]


def test_whole_numbers_no_float_can_hold_are_refused_where_a_float_is_needed() -> None:
    with pytest.raises(ConfigError, match=r"training\.epochs must be a number"):
        TrainingSettings(epochs=10**400)
    assert TrainingSettings(max_steps=10**400).max_steps == 10**400


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"split": (0.5, 0.6)}, "sum to 1"),
        ({"split": (1.0,)}, "two or three shares"),
        ({"split": (0.0, 1.0)}, "nothing to train on"),
        ({"split": (1.5, -0.5)}, "at most 1"),
        ({"source": "  "}, "data.source is empty"),
        ({"limit": 0}, "at least 1"),
    ],
)
def test_data_settings_refuse_shares_that_make_no_sense(values: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        DataSettings(**values)


@pytest.mark.parametrize("split", [(0.85, 0.1, 0.05), (0.8, 0.2), (1 / 3, 1 / 3, 1 / 3), (0.9, 0.0, 0.1)])
def test_shares_that_sum_to_one_within_rounding_are_fine(split: tuple[float, ...]) -> None:
    assert DataSettings(split=split).split == split


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"model": " "}, "model is empty"),
        ({"model": RunRef("")}, "model is empty"),
        ({"model": 3}, "model must be a text or"),
        ({"method": "alchemy"}, "method must be one of sft,"),
        ({"options": GenerationSettings()}, "Settings of sft are needed; got GenerationSettings"),
        ({"data": 3}, "data must be an object of settings"),
    ],
)
def test_a_run_refuses_parts_that_do_not_belong(values: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        RunConfig(**values)


def test_beam_search_needs_two_beams() -> None:
    with pytest.raises(ConfigError, match=r"generation\.num_beams must be at least 2"):
        GenerationSettings(strategy="beam", num_beams=1)


@pytest.mark.parametrize("cls", ALL)
def test_every_setting_has_a_docstring_unless_it_is_a_section(cls: type[Settings]) -> None:
    assert [found.path for found in settings_of(cls) if not found.help and found.kind != "section"] == []


@pytest.mark.parametrize("cls", ALL)
def test_settings_are_frozen(cls: type[Settings]) -> None:
    built = cls(run="a") if cls is EvaluationSettings else cls()
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(built, settings_of(cls)[0].name, "changed")
