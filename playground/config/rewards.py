"""Settings of rewards: what makes a completion good, as a number.

As JSON a reward is `{"kind": "length", "target": 20}`, its settings beside its kind, and a weighted sum is
`{"kind": "sum", "terms": [{"weight": 0.5, "reward": {"kind": …}}, …]}`.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import regex

from playground.config.sections import decode_section, encode_section
from playground.config.settings import Range, Settings, Variant
from playground.errors import ConfigError

LONGEST_PATTERN = 300
MOST_REPEATS = 100_000
"""Product of a pattern's counts, as in a{1000}: a million take half a second to compile, and the size grows with it."""
MOST_TERMS = 8
SUM = "sum"


class _Reward(Variant):
    """What is common to a reward of one kind and a sum."""

    @staticmethod
    def from_json(document: object) -> "RewardConfig":
        return decode_reward(document)

    def to_json(self) -> dict[str, Any]:
        assert isinstance(self, RewardSettings | WeightedSum)  # noqa: S101, there is no third
        return encode_reward(self)


@dataclass(frozen=True)
class RewardSettings(Settings, _Reward):
    """Base of the settings of one kind of reward."""

    kind: ClassVar[str]
    """Its name in JSON, and of the module of `playground.rewards` that makes it."""


@dataclass(frozen=True)
class SentimentReward(RewardSettings):
    """How friendly the words are, by VADER's lexicon of English (Hutto and Gilbert 2014)."""

    section: ClassVar[str] = "reward.sentiment"
    kind: ClassVar[str] = "sentiment"

    score: Literal["compound", "positive", "negative"] = "compound"
    """Compound is the normalised sum of the words' valences, from -1 to 1; positive and negative are the shares of the
    text's words of that kind, from 0 to 1."""
    reads: Literal["completion", "both"] = "completion"
    """What is scored: the completion alone, or the prompt with it."""


@dataclass(frozen=True)
class LengthReward(RewardSettings):
    """How long the completion is."""

    section: ClassVar[str] = "reward.length"
    kind: ClassVar[str] = "length"

    unit: Literal["words", "characters"] = "words"
    """What is counted: words between white space, or characters."""
    shape: Literal["target", "slope"] = "target"
    """Target: -slope × |length - target|, so at most 0, at the target. Slope: slope × length, the longer the more."""
    target: Annotated[int, Range(0, 100_000)] = 20
    """The length that earns most; for the shape target."""
    slope: Annotated[float, Range(-1000, 1000)] = 0.1
    """Reward of one word or character; below 0 turns the reward round."""


@dataclass(frozen=True)
class KeywordReward(RewardSettings):
    """Which words occur."""

    section: ClassVar[str] = "reward.keyword"
    kind: ClassVar[str] = "keyword"

    keywords: tuple[str, ...] = ("good", "great", "happy")
    """Words or phrases to look for, with commas between them."""
    counts: Literal["any", "share", "times"] = "share"
    """Any: 1 where one of them occurs, else 0. Share: how many of them occur, from 0 to 1. Times: how often they occur
    together, from 0 up."""
    whole_words: bool = True
    """Whether a keyword must not stand within a longer word."""
    ignore_case: bool = True
    """Whether capital and small letters count as the same."""

    def conflicts(self) -> Iterator[str]:
        if not any(word.strip() for word in self.keywords):
            yield "reward.keyword.keywords needs at least one word; got none."


@dataclass(frozen=True)
class PatternReward(RewardSettings):
    """Whether a regular expression is found."""

    section: ClassVar[str] = "reward.pattern"
    kind: ClassVar[str] = "pattern"

    pattern: str = r"\d+"
    r"""In Python's syntax, such as \d+ for digits or ^\s*Yes for a beginning."""
    counts: Literal["found", "times", "whole"] = "found"
    """Found: 1 where it occurs somewhere, else 0. Times: how often it occurs, from 0 up. Whole: 1 where it fits the
    whole completion without the white space around it, else 0."""
    ignore_case: bool = False
    """Whether capital and small letters count as the same."""

    def conflicts(self) -> Iterator[str]:
        if not self.pattern:
            yield "reward.pattern.pattern is empty; give a regular expression, such as \\d+ for digits."
        elif len(self.pattern) > LONGEST_PATTERN:
            yield f"reward.pattern.pattern has {len(self.pattern):,} characters; at most {LONGEST_PATTERN:,} are taken."
        elif math.prod(int(count) for count in regex.findall(r"[{,]([1-9]\d*)\}", self.pattern)) > MOST_REPEATS:
            yield f"reward.pattern.pattern repeats more than {MOST_REPEATS:,} times; lower its counts."
        else:
            try:
                regex.compile(self.pattern)
            except (regex.error, RecursionError) as error:
                yield f"reward.pattern.pattern is not a regular expression: {error}; got {self.pattern!r}."


@dataclass(frozen=True)
class ClassifierReward(RewardSettings):
    """What a text classifier says: a model that sorts texts into classes, such as positive and negative."""

    section: ClassVar[str] = "reward.classifier"
    kind: ClassVar[str] = "classifier"

    model: str = "lvwerra/distilbert-imdb"
    """A Hub id, or a folder on this machine, of a model for sequence classification."""
    label: str = "POSITIVE"
    """The class that earns reward, by name or by number; empty takes the last."""
    value: Literal["logit", "probability"] = "logit"
    """Logit: the class's score before the softmax, of any size and sign; better to learn from. Probability: after it,
    from 0 to 1. Where there is one class only, its sigmoid."""
    reads: Literal["completion", "both"] = "both"
    """What is scored: the completion alone, or the prompt with it."""
    batch_size: Annotated[int, Range(1, 512)] = 32
    """Texts scored at once; scores do not depend on it."""

    def conflicts(self) -> Iterator[str]:
        if not self.model.strip():
            yield "reward.classifier.model is empty; give a Hub id, such as lvwerra/distilbert-imdb."


@dataclass(frozen=True)
class TrainedReward(RewardSettings):
    """What a reward model says that was trained here: the score of the completion behind its prompt."""

    section: ClassVar[str] = "reward.reward_model"
    kind: ClassVar[str] = "reward_model"

    run: str = ""
    """The finished run of a reward model, by its id."""
    prompt: Literal["given", "question"] = "given"
    """Given: the prompt is read as it stands, in the template already if it has one. Question: it is put into the
    template that the reward model was trained with."""
    batch_size: Annotated[int, Range(1, 512)] = 16
    """Texts scored at once; scores do not depend on it."""


@dataclass(frozen=True)
class Term(Settings):
    """One part of a weighted sum."""

    section: ClassVar[str] = "reward.term"

    weight: Annotated[float, Range(-1000, 1000)] = 1.0
    """The reward is multiplied by it before the sum; below 0 it becomes a penalty."""
    reward: RewardSettings = field(default_factory=SentimentReward)
    """What is weighted."""


@dataclass(frozen=True)
class WeightedSum(_Reward):
    """Several rewards as one: Σ weight × reward."""

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.terms) <= MOST_TERMS:
            raise ConfigError([f"A weighted sum of rewards has 1 to {MOST_TERMS} terms; got {len(self.terms)}."])


RewardConfig = RewardSettings | WeightedSum
KINDS: dict[str, type[RewardSettings]] = {
    found.kind: found
    for found in (SentimentReward, LengthReward, KeywordReward, PatternReward, ClassifierReward, TrainedReward)
}
"""Every kind but the sum, in the order in which a form offers them."""


def encode_reward(reward: RewardConfig) -> dict[str, Any]:
    """A reward as JSON values."""
    if isinstance(reward, WeightedSum):
        terms = [{"weight": term.weight, "reward": encode_reward(term.reward)} for term in reward.terms]
        return {"kind": SUM, "terms": terms}
    return {"kind": reward.kind, **encode_section(reward)}


def decode_reward(document: object) -> RewardConfig:
    """The reward that JSON values describe; settings left out take their defaults.

    Raises:
        ConfigError: with every problem found.
    """
    if isinstance(document, Mapping) and document.get("kind") == SUM:
        return _decode_sum(document)
    return _decode_one(document)


def terms_of(reward: RewardConfig) -> tuple[Term, ...]:
    """The parts of any reward; one that is no sum is its own only part, at weight 1."""
    return reward.terms if isinstance(reward, WeightedSum) else (Term(1.0, reward),)


def _decode_one(document: object) -> RewardSettings:
    if not isinstance(document, Mapping):
        raise ConfigError([f"A reward must be a JSON object with its kind; got {document!r}."])
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        known = ", ".join([*KINDS, SUM])
        raise ConfigError([f"reward.kind must be one of {known}; got {kind!r}."])
    return decode_section(KINDS[kind], {name: value for name, value in document.items() if name != "kind"})


def _decode_sum(document: Mapping[str, object]) -> WeightedSum:
    given = document.get("terms")
    if not isinstance(given, list) or set(document) != {"kind", "terms"}:
        raise ConfigError([f"A sum is given by its terms alone, a list; got {dict(document)!r}."])
    terms, problems = [], []
    for place, term in enumerate(given, 1):
        try:
            terms.append(_decode_term(term))
        except ConfigError as error:
            problems += [f"Term {place}: {problem}" for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return WeightedSum(tuple(terms))


def _decode_term(document: object) -> Term:
    if not isinstance(document, Mapping) or not set(document) <= {"weight", "reward"} or "reward" not in document:
        raise ConfigError([f"it must be an object of weight and reward; got {document!r}."])
    return Term(document.get("weight", 1.0), _decode_one(document["reward"]))
