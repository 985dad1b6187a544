"""The reference for sampling against transformers' own processors, against numbers by hand, and against chance."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from playground.core import sampling
from playground.errors import PlaygroundError

NOBODY = torch.LongTensor([[0]])

LEVELS = st.sampled_from([-1e4, -50.0, -1.0, 0.0, 0.5, 1.0, 30.0, 1e4, -math.inf])
"""Few levels, so that ties are common; extremes, so that softmax saturates."""


@st.composite
def rows(draw: st.DrawFn) -> Tensor:
    """(1, vocab) float64 logits of 1 to 40 tokens with at least one finite: smooth, tied, extreme, or one survivor."""
    values = draw(st.lists(LEVELS | st.floats(-20, 20, width=32), min_size=1, max_size=40))
    if not any(map(math.isfinite, values)):
        values[draw(st.integers(0, len(values) - 1))] = draw(st.sampled_from([-1e4, 0.0, 1e4]))
    return torch.tensor([values], dtype=torch.float64)


def tied(logits: Tensor) -> bool:
    """Whether two logits are equal."""
    return len(set(logits.flatten().tolist())) < logits.numel()


@given(rows(), st.floats(1e-3, 5))
def test_temperature_equals_transformers(logits: Tensor, value: float) -> None:
    assert torch.equal(sampling.temperature(logits, value), TemperatureLogitsWarper(value)(NOBODY, logits))


@given(rows(), st.integers(1, 50))
def test_top_k_equals_transformers(logits: Tensor, k: int) -> None:
    assert torch.equal(sampling.top_k(logits, k), TopKLogitsWarper(k)(NOBODY, logits))


@given(rows(), st.floats(0, 1, exclude_max=True) | st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.999]))
def test_top_p_equals_transformers(logits: Tensor, p: float) -> None:
    found, expected = sampling.top_p(logits, p), TopPLogitsWarper(p)(NOBODY, logits)
    # Which of several equal logits stay is chance in transformers; how many is not.
    assert torch.equal(found.sort().values, expected.sort().values)
    if not tied(logits):
        assert torch.equal(found, expected)


@given(rows(), st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0]))
def test_min_p_equals_transformers(logits: Tensor, share: float) -> None:
    assert torch.equal(sampling.min_p(logits, share), MinPLogitsWarper(share)(NOBODY, logits))


@given(rows(), st.floats(0, 1, exclude_min=True, exclude_max=True) | st.sampled_from([0.1, 0.5, 0.9, 0.999]))
def test_typical_p_equals_transformers(logits: Tensor, mass: float) -> None:
    assert torch.equal(sampling.typical_p(logits, mass), TypicalLogitsWarper(mass)(NOBODY, logits))


@given(rows(), st.lists(st.integers(0, 60), min_size=1, max_size=20), st.floats(-2, 2))
def test_presence_and_frequency_penalty_by_counting(logits: Tensor, previous: list[int], penalty: float) -> None:
    ids = torch.LongTensor([previous])
    presence = sampling.presence_penalty(logits, ids, penalty)[0].tolist()
    frequency = sampling.frequency_penalty(logits, ids, penalty)[0].tolist()
    for token, logit in enumerate(logits[0].tolist()):
        assert presence[token] == (logit - penalty if token in previous else logit)
        assert frequency[token] == logit - penalty * previous.count(token)


@given(rows(), st.lists(st.integers(0, 60), min_size=1, max_size=20), st.floats(0.1, 10))
def test_repetition_penalty_equals_transformers(logits: Tensor, previous: list[int], penalty: float) -> None:
    ids = torch.LongTensor([previous])
    assert torch.equal(
        sampling.repetition_penalty(logits, ids, penalty), RepetitionPenaltyLogitsProcessor(penalty)(ids, logits)
    )


class Ours(LogitsProcessor):
    """Presence and frequency penalty, as someone would hand them to `generate`."""

    def __init__(self, presence: float, frequency: float) -> None:
        self.presence = presence
        self.frequency = frequency

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        counts = torch.stack(
            [row.bincount(minlength=scores.shape[-1])[: scores.shape[-1]] for row in input_ids.clamp(max=10**4)]
        )
        return scores - self.presence * (counts > 0) - self.frequency * counts


@pytest.fixture(scope="module")
def chain(small_models: dict[str, Path]) -> Callable[..., LogitsProcessorList]:
    """The processors that transformers' `generate` makes of its own settings, in its own order."""
    model = AutoModelForCausalLM.from_pretrained(small_models["gpt2"])

    def made(presence: float, frequency: float, **options: float) -> LogitsProcessorList:
        config = GenerationConfig(do_sample=True, **options)  # type: ignore[no-untyped-call]
        found: LogitsProcessorList = model._get_logits_processor(  # type: ignore[misc]
            config, input_ids_seq_length=1, logits_processor=LogitsProcessorList([Ours(presence, frequency)])
        )
        return found

    return made


@settings(max_examples=300)
@given(
    logits=rows(),
    value=st.floats(0.05, 5),
    k=st.integers(0, 45),
    p=st.floats(0, 1),
    share=st.floats(0, 1),
    mass=st.floats(0.01, 1),
    penalty=st.floats(0.2, 5),
    presence=st.floats(-2, 2),
    frequency=st.floats(-2, 2),
    previous=st.lists(st.integers(0, 40), min_size=1, max_size=8),
)
def test_everything_together_equals_what_generate_would_sample_from(
    *,
    chain: Callable[..., LogitsProcessorList],
    logits: Tensor,
    value: float,
    k: int,
    p: float,
    share: float,
    mass: float,
    penalty: float,
    presence: float,
    frequency: float,
    previous: list[int],
) -> None:
    ids = torch.LongTensor([previous])
    processors = chain(
        presence,
        frequency,
        repetition_penalty=penalty,
        temperature=value,
        top_k=k,
        top_p=p,
        min_p=share,
        typical_p=mass,
    )
    expected = processors(ids, logits)
    found = sampling.transform(
        logits,
        temperature_value=value,
        k=k,
        p=p,
        min_p_share=share,
        typical_mass=mass,
        penalty=penalty,
        presence=presence,
        frequency=frequency,
        previous_ids=ids,
    )
    assert found.kept.sum() == (expected > -math.inf).sum()
    torch.testing.assert_close(found.probabilities.sort().values, expected.softmax(-1).sort().values)
    if not tied(found.tempered):
        torch.testing.assert_close(found.probabilities, expected.softmax(-1))


def test_transformers_applies_them_in_the_order_shown(chain: Callable[..., LogitsProcessorList]) -> None:
    made = chain(1, 1, repetition_penalty=2.0, temperature=0.5, top_k=3, top_p=0.5, min_p=0.1, typical_p=0.5)
    assert [type(one) for one in made] == [
        RepetitionPenaltyLogitsProcessor,
        Ours,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
        MinPLogitsWarper,
        TypicalLogitsWarper,
    ]


@given(rows(), st.floats(0, 5), st.integers(0, 45), st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1))
def test_a_distribution_is_one(logits: Tensor, value: float, k: int, p: float, share: float, mass: float) -> None:
    found = sampling.transform(logits, temperature_value=value, k=k, p=p, min_p_share=share, typical_mass=mass)
    assert found.probabilities.sum().item() == pytest.approx(1)
    assert found.raw.sum().item() == pytest.approx(1)
    assert found.kept.any()
    assert (found.probabilities[~found.kept] == 0).all()
    assert 0 < found.kept_mass.item() <= 1 + 1e-12
    renormalised = torch.where(found.kept, found.tempered, 0.0) / found.kept_mass
    torch.testing.assert_close(found.probabilities, renormalised)
    assert 1 - 1e-9 <= found.effective_choices.item() <= found.kept.sum().item() + 1e-6


def test_numbers_by_hand() -> None:
    """Probabilities 0.5, 0.25, 0.125, 0.125; top-p 0.7 needs the second to cross."""
    logits = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64).log()
    found = sampling.transform(logits, p=0.7)
    assert found.kept.tolist() == [True, True, False, False]
    assert found.kept_mass.item() == pytest.approx(0.75)
    assert found.probabilities.tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0])
    assert found.entropy_nats.item() == pytest.approx(math.log(3) - 2 / 3 * math.log(2))
    assert sampling.transform(logits).effective_choices.item() == pytest.approx(2**1.75)
    assert sampling.transform(logits, min_p_share=0.5).kept.tolist() == [True, True, False, False]
    half = sampling.transform(logits, temperature_value=0.5)
    assert half.probabilities.tolist() == pytest.approx([16 / 22, 4 / 22, 1 / 22, 1 / 22])


def test_typical_by_hand() -> None:
    """Surprises 0.69, 1.39, 2.08, 2.08 around an entropy of 1.21: the second is the most typical, then the first."""
    logits = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64).log()
    assert sampling.transform(logits, typical_mass=0.2).kept.tolist() == [False, True, False, False]
    assert sampling.transform(logits, typical_mass=0.3).kept.tolist() == [True, True, False, False]
    assert sampling.transform(logits, typical_mass=0.8).kept.all()
    alone = sampling.transform(logits, typical_mass=0.2)
    assert alone.probabilities.tolist() == [0, 1, 0, 0]
    assert alone.kept_mass.item() == pytest.approx(0.25)


def test_penalties_by_hand() -> None:
    """Token 0 stands once, token 1 three times: 2/2 - 0.5 - 0.25, and -1*2 - 0.5 - 3*0.25."""
    found = sampling.transform(
        torch.tensor([2.0, -1.0, 0.0]),
        penalty=2,
        presence=0.5,
        frequency=0.25,
        previous_ids=torch.tensor([1, 0, 1, 1, 7]),
    )
    expected = torch.tensor([0.25, -3.25, 0.0], dtype=torch.float64).softmax(-1)
    torch.testing.assert_close(found.probabilities, expected)


def test_ties() -> None:
    tied = torch.zeros(5, dtype=torch.float64)
    assert sampling.transform(tied, temperature_value=0).kept.tolist() == [True, False, False, False, False]
    assert sampling.transform(tied, k=2).kept.sum().item() == 5
    assert sampling.transform(tied, p=0.5).kept.tolist() == [True, True, True, False, False]
    assert sampling.transform(tied, min_p_share=1).kept.sum().item() == 5
    assert sampling.transform(tied, typical_mass=0.1).kept.sum().item() == 5


def test_temperature_zero_and_nearly_zero_are_argmax() -> None:
    logits = torch.tensor([3.0, 1e4, -1e4, 1e4])
    for value in (0.0, 1e-40, 1e-29):
        found = sampling.transform(logits[:3], temperature_value=value)
        assert found.probabilities.tolist() == [0, 1, 0]
        assert found.entropy_nats.item() == 0
        assert found.effective_choices.item() == 1


@pytest.mark.parametrize("bad", [[math.nan, 1.0], [math.inf, 1.0], [-math.inf, -math.inf]])
def test_logits_that_are_no_distribution_are_refused(bad: list[float]) -> None:
    with pytest.raises(PlaygroundError, match="not finite numbers"):
        sampling.transform(torch.tensor(bad))


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 3, 4)])
def test_any_number_of_leading_dimensions(shape: tuple[int, ...]) -> None:
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ids = torch.zeros(*shape[:-1], 1, dtype=torch.long)
    steps: list[Callable[[Tensor], Tensor]] = [
        lambda row: sampling.transform(row, k=3, p=0.8, min_p_share=0.1).probabilities,
        lambda row: sampling.repetition_penalty(row, ids[(0,) * (len(shape) - 1)], 2.0),
    ]
    for step in steps:
        alone = torch.stack([step(row) for row in logits.reshape(-1, 4)]).reshape(shape)
        if step is steps[0]:
            assert torch.equal(step(logits), alone)
        else:
            assert torch.equal(sampling.repetition_penalty(logits, ids, 2.0), alone)


def test_draws_follow_the_distribution() -> None:
    """Chi-square of 20,000 draws on 4 degrees of freedom; 18.5 is passed by chance once in a thousand seeds."""
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0, -math.inf, 0.5])
    generator = torch.Generator().manual_seed(7)
    noise = sampling.exponential_noise((20_000, 6), generator)
    counts = sampling.draw(logits.expand(20_000, 6), noise).bincount(minlength=6).double()
    expected = 20_000 * logits.double().softmax(-1)
    assert counts[4] == 0
    seen = expected > 0
    assert ((counts - expected)[seen] ** 2 / expected[seen]).sum().item() < 18.5


def test_a_draw_is_the_argmax_of_log_probability_plus_gumbel_noise() -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(500, 30, generator=generator, dtype=torch.float64)
    noise = sampling.exponential_noise((500, 30), generator)
    gumbel = -noise.log()
    assert torch.equal(sampling.draw(logits, noise), (logits.log_softmax(-1) + gumbel).argmax(-1))
    assert gumbel.mean().item() == pytest.approx(0.5772156649, abs=0.03)


def test_a_device_without_float64_lets_the_processor_draw() -> None:
    assert sampling.precise(torch.device("mps")) == torch.device("cpu")
    assert sampling.precise(torch.device("cuda:1")) == torch.device("cuda:1")
