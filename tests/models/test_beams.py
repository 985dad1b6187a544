"""Our beam search against transformers' own: the same texts with the same scores, whatever the settings."""

import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from playground.config.beams import BeamSettings
from playground.config.generation import GenerationSettings
from playground.errors import Cancelled, ModelError, OutOfMemory, PlaygroundError
from playground.models import beams as module
from playground.models import catalogue, memory, rivals
from playground.models.beams import Search, search
from playground.models.generation import context_length, generate
from playground.models.trace import trace
from tests.small_models import FAMILIES

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ("The film", "Human: What is the capital of France?\n\nAssistant:", "He go to the park. He go to the park.")
EARLY: dict[str, Any] = {"false": False, "true": True, "never": "never"}
CLOSE = 1e-5
"""Scores nearer than this may change places with the order in which a processor adds."""
LENGTH_PENALTIES = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(-2, 3).map(lambda it: round(it, 2)))


class Subject:
    """A model and prompts in its tokens."""

    def __init__(self, folder: Path) -> None:
        self.model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
        self.prompts: list[list[int]] = [self.tokenizer(text)["input_ids"] for text in TEXTS]

    def generated(self, prompt: list[int], chosen: BeamSettings, ends: list[int]) -> list[tuple[list[int], float]]:
        """Texts and scores of `generate`, best first."""
        output = self.model.generate(  # type: ignore[operator]
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt)),
            do_sample=False,
            num_beams=chosen.num_beams,
            num_return_sequences=chosen.num_beams,
            max_new_tokens=chosen.max_new_tokens,
            length_penalty=chosen.length_penalty,
            early_stopping=EARLY[chosen.early_stopping],
            no_repeat_ngram_size=chosen.no_repeat_ngram_size,
            eos_token_id=ends or None,
            pad_token_id=0,
            return_dict_in_generate=True,
            output_scores=True,
        )
        texts = [until_end(row[len(prompt) :].tolist(), ends) for row in output.sequences]
        return list(zip(texts, output.sequences_scores.tolist(), strict=True))

    def greedy(self, prompt: list[int], length: int, ends: list[int], size: int = 0) -> list[int]:
        """The text of a greedy `generate`."""
        output = self.model.generate(  # type: ignore[operator]
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt)),
            do_sample=False,
            max_new_tokens=length,
            no_repeat_ngram_size=size,
            eos_token_id=ends or None,
            pad_token_id=0,
        )
        found: list[int] = output[0, len(prompt) :].tolist()
        return found


def log_probability(model: PreTrainedModel, prompt: list[int], ids: list[int]) -> float:
    """Of a text after a prompt, read in one pass."""
    return trace(model, [*prompt, *ids], last=len(ids)).log_probabilities.sum().item()


def until_end(ids: list[int], ends: list[int]) -> list[int]:
    return ids[: next((at + 1 for at, token in enumerate(ids) if token in ends), len(ids))]


@pytest.fixture(scope="module")
def subjects(small_models: dict[str, Path]) -> dict[str, Subject]:
    entry = catalogue.find("tiny")
    assert entry is not None
    assert entry.folder is not None
    folders = {family: small_models[family] for family in FAMILIES} | {"tiny": entry.folder}
    return {name: Subject(folder) for name, folder in folders.items()}


def endings(subject: Subject, prompt: list[int], length: int, places: list[int]) -> list[int]:
    """Tokens that come up in a search of the prompt, so that texts end in its course, and not only at its limit."""
    looked_at = search(subject.model, prompt, BeamSettings(num_beams=4, max_new_tokens=length), []).candidates
    likely = [it.token for it in looked_at if it.fate == "kept"]
    return sorted({likely[place % len(likely)] for place in places})


def is_close_call(found: Search, chosen: BeamSettings) -> bool:
    """Whether rounding alone could have decided something: who is considered or kept, finished, or when to stop."""
    per_step = [[it for it in found.candidates if it.step == step] for step in range(1, found.steps + 1)]
    gaps = [one.score - other.score for step in per_step for one, other in pairwise(step)]
    finished = sorted(it.normalised for it in found.candidates if it.fate == "finished")
    gaps += [other - one for one, other in pairwise(finished)]
    if found.bound is not None and len(found.finished) == chosen.num_beams:
        gaps.append(abs(found.bound - found.candidates[found.finished[-1]].normalised))
    return min(gaps) < CLOSE


@pytest.mark.parametrize("name", [*FAMILIES, "tiny"])
@settings(max_examples=12)
@given(data=st.data())
def test_final_beams_equal_those_of_generate(subjects: dict[str, Subject], name: str, data: st.DataObject) -> None:
    subject = subjects[name]
    prompt = subject.prompts[data.draw(st.integers(0, len(TEXTS) - 1), label="prompt")]
    chosen = BeamSettings(
        num_beams=data.draw(st.integers(2, 8), label="beams"),
        max_new_tokens=data.draw(st.integers(1, 10), label="length"),
        length_penalty=data.draw(LENGTH_PENALTIES, label="penalty"),
        early_stopping=data.draw(st.sampled_from(["false", "true", "never"]), label="early"),
        no_repeat_ngram_size=data.draw(st.sampled_from([0, 0, 1, 2, 3]), label="n-gram"),
    )
    places = data.draw(st.lists(st.integers(0, 100), max_size=6), label="ends")
    ends = endings(subject, prompt, 8, places)
    found = search(subject.model, prompt, chosen, ends)
    assume(not is_close_call(found, chosen))
    event(f"{found.outcome}, early stopping {chosen.early_stopping}")
    event("with an end within" if any(found.candidates[at].step < found.steps for at in found.finished) else "none")
    expected = subject.generated(prompt, chosen, ends)
    assert [found.tokens(place) for place in found.finished] == [ids for ids, _ in expected]
    scores = [found.candidates[place].normalised for place in found.finished]
    assert scores == pytest.approx([score for _, score in expected], abs=1e-4, rel=1e-5)


@pytest.mark.parametrize("size", [0, 2])
def test_one_beam_is_greedy_search(subjects: dict[str, Subject], size: int) -> None:
    subject = subjects["llama"]
    prompt = subject.prompts[0]
    chosen = BeamSettings(num_beams=1, max_new_tokens=12, early_stopping="never", no_repeat_ngram_size=size)
    for ends in ([], endings(subject, prompt, 6, [0, 20])):
        found = search(subject.model, prompt, chosen, ends)
        assert [found.tokens(place) for place in found.finished] == [subject.greedy(prompt, 12, ends, size)]
        assert found.outcome == ("full" if ends else "length")


def test_the_record_tells_how_every_beam_came_about(subjects: dict[str, Subject]) -> None:
    subject = subjects["gpt2"]
    prompt = subject.prompts[1]
    ends = endings(subject, prompt, 8, [0, 9, 15])
    chosen = BeamSettings(num_beams=3, max_new_tokens=9, early_stopping="never", length_penalty=2.0)
    seen: list[tuple[int, list[int], list[int]]] = []
    found = search(
        subject.model, prompt, chosen, ends, on_step=lambda it: seen.append((it.steps, it.open, list(it.finished)))
    )
    per_step = (len(ends) + 1) * 3
    assert [step for step, _, _ in seen] == list(range(1, found.steps + 1))
    assert len(found.candidates) == per_step * found.steps
    reached = [-1]
    for step in range(1, found.steps + 1):
        rows = [it for it in found.candidates if it.step == step]
        assert [it.rank for it in rows] == list(range(1, per_step + 1))
        assert [it.score for it in rows] == sorted((it.score for it in rows), reverse=True)
        assert {it.parent for it in rows} <= set(reached)
        for it in rows:
            before = found.candidates[it.parent].score if it.parent >= 0 else 0.0
            assert it.score == pytest.approx(before + it.log_probability, abs=1e-5)
            assert it.normalised == pytest.approx(it.score / step**2, abs=1e-5)
            ended = it.token in ends or step == 9
            assert (it.fate == "finished") == (ended and it.rank <= 3)
            assert (it.fate == "late") == (it.token in ends and it.rank > 3)
        kept = [place for place, it in enumerate(found.candidates) if it.step == step and it.fate == "kept"]
        assert len(kept) == (3 if step < 9 else 0)
        assert seen[step - 1][1] == kept
        reached = kept
    assert "late" in {it.fate for it in found.candidates}
    assert any(it.fate == "finished" and place not in found.finished for place, it in enumerate(found.candidates))


def test_the_context_ends_a_search_that_would_go_on(subjects: dict[str, Subject]) -> None:
    subject = subjects["gpt2"]
    context = context_length(subject.model)
    assert context
    chosen = BeamSettings(num_beams=2, max_new_tokens=20)
    found = search(subject.model, [7] * (context - 3), chosen, [])
    assert (found.longest, found.steps, found.outcome) == (3, 3, "length")
    for bad in ([], [7] * context):
        with pytest.raises(ModelError):
            search(subject.model, bad, chosen, [])


def test_without_a_cache_nothing_changes(subjects: dict[str, Subject], monkeypatch: pytest.MonkeyPatch) -> None:
    subject = subjects["opt"]
    chosen = BeamSettings(num_beams=3, max_new_tokens=6)
    cached = search(subject.model, subject.prompts[0], chosen, [])
    monkeypatch.setattr(module, "keeps_all", lambda _: False)
    plain = search(subject.model, subject.prompts[0], chosen, [])
    assert [(it.parent, it.token, it.fate) for it in plain.candidates] == [
        (it.parent, it.token, it.fate) for it in cached.candidates
    ]


def test_it_stops_at_the_next_token(subjects: dict[str, Subject]) -> None:
    subject, stop = subjects["llama"], threading.Event()
    steps: list[int] = []

    def hear(found: Search) -> None:
        steps.append(found.steps)
        if found.steps == 2:
            stop.set()

    with pytest.raises(Cancelled):
        search(subject.model, subject.prompts[0], BeamSettings(), [], stop=stop, on_step=hear)
    assert steps == [1, 2]


def test_a_broken_model_is_named(subjects: dict[str, Subject], monkeypatch: pytest.MonkeyPatch) -> None:
    model = subjects["gpt2"].model
    monkeypatch.setattr(model.lm_head, "forward", lambda states: torch.full((*states.shape[:-1], 50), torch.nan))
    with pytest.raises(PlaygroundError, match="not finite"):
        search(model, [1, 2], BeamSettings(), [])


def test_rivals_are_greedys_answer_and_generates_samples(subjects: dict[str, Subject]) -> None:
    subject = subjects["gpt2"]
    prompt, model = subject.prompts[0], subject.model
    ends = endings(subject, prompt, 6, [3])
    likeliest = rivals.greedy(model, prompt, BeamSettings(num_beams=5, max_new_tokens=8), ends)
    assert likeliest.score == pytest.approx(log_probability(model, prompt, likeliest.ids), abs=1e-4)
    assert likeliest.ids == subject.greedy(prompt, 8, ends)
    samples = rivals.drawn(model, prompt, 6, 8, ends, seed=4)
    model.generation_config = GenerationConfig(eos_token_id=ends)  # type: ignore[no-untyped-call]
    expected = generate(
        model, subject.tokenizer, [prompt] * 6, GenerationSettings(strategy="sampling", max_new_tokens=8, seed=4)
    )
    assert [found.ids for found in samples] == [answer.ids for answer in expected]
    for found in samples:
        assert found.score == pytest.approx(log_probability(model, prompt, found.ids), abs=1e-4)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        rivals.drawn(model, prompt, 6, 8, [], seed=4, stop=stop)


def test_more_beams_than_memory_holds_are_refused(
    subjects: dict[str, Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subjects["gpt2"]
    monkeypatch.setattr(memory, "available", lambda *_: 10_000)
    with pytest.raises(OutOfMemory, match=r"16 texts of up to \d+ tokens at once needs about 0\.00 GB"):
        search(subject.model, subject.prompts[0], BeamSettings(num_beams=16), [])
