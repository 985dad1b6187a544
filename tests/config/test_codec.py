"""A run survives the way to JSON and back; whatever else stands in the JSON is refused by name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.config import codec
from playground.config.evaluation import EvaluationSettings
from playground.config.generation import GenerationSettings
from playground.config.judging import JudgeSettings
from playground.config.methods import METHODS
from playground.config.methods.sft import SFTSettings
from playground.config.run import AdapterSettings, DataSettings, RunConfig, RunRef, TrainingSettings
from playground.config.settings import Setting, Settings, settings_of
from playground.errors import ConfigError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)

KNOWN = ", ".join(METHODS)


def values_of(found: Setting) -> st.SearchStrategy[Any]:
    """Every value that a setting allows, within what a person could mean."""
    if found.kind == "section":
        return built(type(found.default))
    low = found.range.minimum if found.range.minimum is not None else found.range.above
    high = found.range.maximum
    by_kind: dict[str, st.SearchStrategy[Any]] = {
        "int": st.integers(int(low or 0), int(high) if high is not None else 10**12),
        "float": st.floats(
            low, high, exclude_min=found.range.above is not None, allow_nan=False, allow_infinity=False, width=64
        ),
        "bool": st.booleans(),
        "choice": st.sampled_from(found.choices or ("",)),
        "text": TEXTS,
        "texts": st.lists(TEXTS, max_size=3).map(tuple),
        "floats": st.sampled_from([(0.85, 0.1, 0.05), (0.8, 0.2), (1.0, 0.0)]),
        "mapping": st.dictionaries(TEXTS, TEXTS, max_size=3),
    }
    values = by_kind[found.kind]
    return st.none() | values if found.optional else values


def built(cls: type[Settings], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = {found.name: values_of(found) for found in settings_of(cls) if found.name not in fixed}
    return st.builds(cls, **fields, **fixed)


WORDS = st.dictionaries(TEXTS, TEXTS, max_size=3).filter(
    lambda words: len({word.strip().casefold() for word in words.values()}) == len(words)
)
RUN_IDS = TEXTS.filter(lambda text: "@" not in text and not text.startswith("other "))
OTHERS = st.lists(TEXTS.map("other {}".format), unique=True, max_size=3).map(tuple)
GENERATION = built(GenerationSettings, num_beams=st.integers(2, 32))
RUNS = st.builds(
    RunConfig,
    model=TEXTS | TEXTS.map(RunRef),
    name=st.just("") | TEXTS,
    data=built(
        DataSettings,
        custom_template=TEXTS.map(lambda text: text.replace("{", "").replace("}", "") + "{text}"),
        verbalizer=WORDS,
    ),
    adapter=built(AdapterSettings),
    training=built(TrainingSettings),
    options=built(SFTSettings),
)


@given(RUNS)
def test_a_run_survives_the_way_to_json_and_back(config: RunConfig) -> None:
    text = codec.dumps(config)
    text.encode()
    assert codec.loads(text) == config
    assert codec.dumps(codec.loads(text)) == text


PROMPTS = {name: st.just(getattr(JudgeSettings(), name)) for name in ("score_prompt", "pair_prompt")}
JUDGING = built(JudgeSettings, **PROMPTS)


@given(built(EvaluationSettings, run=RUN_IDS, generation=GENERATION, others=OTHERS, judging=JUDGING))
def test_an_evaluation_survives_the_way_to_json_and_back(settings: EvaluationSettings) -> None:
    document = json.loads(json.dumps(codec.encode_section(settings), allow_nan=False))
    assert codec.decode_section(EvaluationSettings, document) == settings


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["method", "model", "name", "data", "adapter", "training", "sft", "other"])
FIELDS = st.sampled_from(["source", "split", "columns", "rank", "targets", "max_steps", "learning_rate", "loss_on"])


@given(st.dictionaries(NAMES, JSON | st.dictionaries(FIELDS, JSON, max_size=3), max_size=4))
def test_any_json_gives_a_run_or_a_config_error_and_nothing_else(document: dict[str, Any]) -> None:
    try:
        config = codec.decode(document)
    except ConfigError:
        return
    assert codec.decode(codec.encode(config)) == config


@given(st.text(max_size=30))
def test_any_text_is_json_or_a_config_error(text: str) -> None:
    try:
        found = codec.parse(text)
    except ConfigError:
        return
    assert codec.parse(json.dumps(found)) == found


def test_the_written_form_is_what_checks_rely_on() -> None:
    document = codec.encode(RunConfig(model=RunRef("abc")))
    assert list(document) == ["method", "model", "name", "data", "adapter", "training", "sft"]
    assert document["method"] == "sft"
    assert document["model"] == {"run": "abc"}
    assert document["data"]["split"] == [0.85, 0.1, 0.05]
    assert document["data"]["seed"] is None
    lora = {"kind": "lora", "rank": 16, "alpha": 32, "dropout": 0.1, "targets": None}
    assert document["adapter"].items() >= lora.items()
    assert document["sft"] == {"loss_on": "response", "key_tokens": None, "key_token_alpha": 1.0}


def test_what_is_left_out_takes_its_default() -> None:
    assert codec.decode({}) == RunConfig()
    assert codec.decode({"training": {"max_steps": 3}}).training == TrainingSettings(max_steps=3)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "A config must be a JSON object; got list."),
        ({"method": "dance"}, f"method must be one of {KNOWN}; got 'dance'."),
        ({"method": []}, f"method must be one of {KNOWN}; got []."),
        ({"modle": "x"}, "modle is not a setting; did you mean model?"),
        ({"adapter": {"rnak": 3}}, "adapter.rnak is not a setting; did you mean adapter.rank?"),
        ({"sft": {"zz": 3}}, "sft.zz is not a setting; known are loss_on, key_tokens, key_token_alpha."),
        ({"adapter": 3}, "adapter must be a JSON object; got 3."),
        ({"model": {"run": 3}}, "model must be a text or {\"run\": ID}; got {'run': 3}."),
        ({"name": 3}, "name must be a text; got 3."),
        ({"data": {"split": "80/20"}}, "data.split must be a list of numbers; got '80/20'."),
        ({"adapter": {"targets": "q_proj"}}, "adapter.targets must be a list of texts; got 'q_proj'."),
    ],
)
def test_a_wrong_document_is_named(document: object, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        codec.decode(document)
    assert caught.value.problems == (sentence,)


def test_all_problems_of_a_document_come_together() -> None:
    document = {"x": 1, "model": 3, "name": 4, "data": {"limit": 0}, "adapter": {"rank": 0, "y": 1}, "sft": []}
    with pytest.raises(ConfigError) as caught:
        codec.decode(document)
    starts = [problem.split()[0] for problem in caught.value.problems]
    assert starts == ["x", "data.limit", "adapter.y", "adapter.rank", "sft", "model", "name"]


def test_a_setting_without_default_must_be_given() -> None:
    with pytest.raises(ConfigError) as caught:
        codec.decode_section(EvaluationSettings, {"limit": 4})
    assert caught.value.problems == ("evaluation.run is needed and has no default.",)


def test_a_setting_within_a_setting_is_checked_too() -> None:
    document = {"run": "a", "generation": {"top_p": 2}, "limit": 4, "batch_size": 9}
    with pytest.raises(ConfigError, match=r"generation\.top_p must be at most 1; got 2") as caught:
        codec.decode_section(EvaluationSettings, document)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('{"method": "sft",}', "Not valid JSON at line 1, column"),
        ('{\n "training": {"learning_rate": NaN}}', "NaN is not a JSON number"),
        ('{"training": {"learning_rate": 1e999}}', "must be a finite number"),
        ('{"name": "a", "name": "b"}', "name stands twice"),
        ("[" * 100_000, "Not readable as JSON|Not valid JSON"),
        ("1" * 10_000, "Not readable as JSON"),
    ],
)
def test_text_that_is_not_strict_json_is_refused(text: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        codec.loads(text)


def test_overrides_are_json_or_else_texts() -> None:
    document = {"method": "sft", "data": {"seed": 1}}
    changed = codec.with_overrides(
        document,
        [
            "training.max_steps=20",
            "data.seed=null",
            "data.split=[0.8, 0.2]",
            "model=gpt2",
            "name=a=b",
            'data.source="7"',
            "data.template=",
        ],
    )
    assert changed == {
        "method": "sft",
        "model": "gpt2",
        "name": "a=b",
        "data": {"seed": None, "split": [0.8, 0.2], "source": "7", "template": ""},
        "training": {"max_steps": 20},
    }
    assert document == {"method": "sft", "data": {"seed": 1}}


@pytest.mark.parametrize(
    ("assignment", "match"),
    [
        ("training.max_steps", "--set needs PATH=VALUE"),
        ("=3", "--set needs PATH=VALUE"),
        ("method.x=3", "method is not a section"),
        ("training.learning_rate=NaN", "NaN is not a JSON number"),
    ],
)
def test_an_override_without_a_place_is_refused(assignment: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        codec.with_overrides({"method": "sft"}, [assignment])
