"""Answers: equal to transformers' own where they must be, and independent of everything they must not depend on."""

import threading
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from playground.config.generation import GenerationSettings
from playground.errors import Cancelled, ModelError, PlaygroundError
from playground.models.batch import end_tokens
from playground.models.generation import generate, next_logits
from playground.models.prefill import keeps_all, left_padded
from playground.runs.events import Progress
from tests.small_models import FAMILIES

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = (
    "Below is an instruction that describes a task.",
    "The film",
    "Human: What is the capital of France?\n\nAssistant:",
    "He go to the park every day. He go to the park every day. Rewrite the sentence.",
    "plot",
)
SAMPLING = GenerationSettings(
    strategy="sampling", max_new_tokens=24, temperature=0.8, top_k=60, top_p=0.95, min_p=0.01, seed=3
)
PENALISED = replace(SAMPLING, repetition_penalty=1.3, typical_p=0.9, presence_penalty=0.4, frequency_penalty=0.3)
STRATEGIES = (
    GenerationSettings(max_new_tokens=24),
    GenerationSettings(max_new_tokens=24, repetition_penalty=1.3),
    GenerationSettings(max_new_tokens=24, frequency_penalty=1.0),
    SAMPLING,
    PENALISED,
    GenerationSettings(strategy="beam", max_new_tokens=12, num_beams=3),
    GenerationSettings(strategy="beam", max_new_tokens=12, num_beams=3, repetition_penalty=1.3, presence_penalty=0.5),
)


class Loaded:
    """A small model, its tokenizer and the prompts in its tokens."""

    def __init__(self, folder: Path) -> None:
        self.model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder)
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
        self.prompts: list[list[int]] = [self.tokenizer(text)["input_ids"] for text in TEXTS]


@pytest.fixture(scope="module", params=FAMILIES)
def loaded(request: pytest.FixtureRequest, small_models: dict[str, Path]) -> Loaded:
    return Loaded(small_models[request.param])


@pytest.fixture(scope="module")
def gpt2(small_models: dict[str, Path]) -> Loaded:
    return Loaded(small_models["gpt2"])


@pytest.mark.parametrize("settings", STRATEGIES, ids=lambda chosen: f"{chosen.strategy}-{chosen.repetition_penalty}")
def test_an_answer_does_not_depend_on_its_batch(loaded: Loaded, settings: GenerationSettings) -> None:
    together = generate(loaded.model, loaded.tokenizer, loaded.prompts, settings)
    by_two = generate(loaded.model, loaded.tokenizer, loaded.prompts, settings, batch_size=2)
    alone = [
        generate(loaded.model, loaded.tokenizer, [prompt], settings, streams=[row])[0]
        for row, prompt in enumerate(loaded.prompts)
    ]
    backwards = generate(loaded.model, loaded.tokenizer, loaded.prompts[::-1], settings, streams=[4, 3, 2, 1, 0])
    assert together == by_two == alone == backwards[::-1]


def test_greedy_equals_transformers(loaded: Loaded) -> None:
    answers = generate(loaded.model, loaded.tokenizer, loaded.prompts, GenerationSettings(max_new_tokens=20))
    for prompt, answer in zip(loaded.prompts, answers, strict=True):
        expected = loaded.model.generate(  # type: ignore[operator]
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), do_sample=False, max_new_tokens=20
        )
        assert answer.ids == expected[0, len(prompt) :].tolist()


def test_beam_search_equals_transformers(loaded: Loaded) -> None:
    settings = GenerationSettings(strategy="beam", num_beams=4, max_new_tokens=12, repetition_penalty=1.2)
    answers = generate(loaded.model, loaded.tokenizer, loaded.prompts, settings)
    for prompt, answer in zip(loaded.prompts, answers, strict=True):
        expected = loaded.model.generate(  # type: ignore[operator]
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt)),
            do_sample=False,
            num_beams=4,
            repetition_penalty=1.2,
            max_new_tokens=12,
        )
        assert answer.ids == expected[0, len(prompt) :].tolist()[: len(answer.ids)]


class OpenAIs(LogitsProcessor):
    """Presence and frequency penalty over the whole text, as someone would hand them to `generate`."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        counts = torch.stack([row.bincount(minlength=scores.shape[-1]) for row in input_ids])
        return scores - 0.7 * (counts > 0) - 0.2 * counts


@pytest.mark.parametrize("beams", [1, 3])
def test_presence_and_frequency_penalty_equal_a_processor_given_to_transformers(loaded: Loaded, beams: int) -> None:
    settings = GenerationSettings(
        strategy="beam" if beams > 1 else "greedy",
        num_beams=beams,
        max_new_tokens=10,
        repetition_penalty=1.1,
        presence_penalty=0.7,
        frequency_penalty=0.2,
    )
    for prompt, answer in zip(
        loaded.prompts, generate(loaded.model, loaded.tokenizer, loaded.prompts, settings), strict=True
    ):
        expected = loaded.model.generate(  # type: ignore[operator]
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt)),
            do_sample=False,
            num_beams=beams,
            repetition_penalty=1.1,
            logits_processor=LogitsProcessorList([OpenAIs()]),
            max_new_tokens=10,
        )
        assert answer.ids == expected[0, len(prompt) :].tolist()[: len(answer.ids)]


def test_the_seed_decides_and_rows_differ(gpt2: Loaded) -> None:
    same_prompt = [gpt2.prompts[0]] * 3
    settings = replace(SAMPLING, temperature=2.0, top_k=0, top_p=1.0, min_p=0.0)
    first = generate(gpt2.model, gpt2.tokenizer, same_prompt, settings)
    assert len({tuple(answer.ids) for answer in first}) == 3
    assert first == generate(gpt2.model, gpt2.tokenizer, same_prompt, settings)
    assert first != generate(gpt2.model, gpt2.tokenizer, same_prompt, replace(settings, seed=4))
    shared = generate(gpt2.model, gpt2.tokenizer, same_prompt, settings, streams=[0, 0, 0])
    assert shared == [first[0]] * 3


def test_nothing_is_inherited_from_the_models_own_settings(gpt2: Loaded) -> None:
    settings = (GenerationSettings(max_new_tokens=20), SAMPLING)
    expected = [generate(gpt2.model, gpt2.tokenizer, gpt2.prompts, chosen) for chosen in settings]
    own = gpt2.model.generation_config
    assert own is not None
    before = own.to_dict()
    try:
        own.update(  # type: ignore[no-untyped-call]
            top_k=1,
            repetition_penalty=5.0,
            no_repeat_ngram_size=2,
            min_new_tokens=20,
            suppress_tokens=[5],
            max_length=9,
        )
        found = [generate(gpt2.model, gpt2.tokenizer, gpt2.prompts, chosen) for chosen in settings]
        assert gpt2.model.generation_config is own
    finally:
        own.update(**before)  # type: ignore[no-untyped-call]
    assert found == expected


def test_temperature_zero_is_greedy(gpt2: Loaded) -> None:
    cold = replace(SAMPLING, temperature=0.0, top_p=0.5)
    greedy = GenerationSettings(max_new_tokens=SAMPLING.max_new_tokens)
    assert generate(gpt2.model, gpt2.tokenizer, gpt2.prompts, cold) == generate(
        gpt2.model, gpt2.tokenizer, gpt2.prompts, greedy
    )


@pytest.mark.parametrize("settings", [SAMPLING, PENALISED], ids=["plain", "penalised"])
def test_a_shared_beginning_and_rows_that_end_early_change_no_answer(
    loaded: Loaded, settings: GenerationSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers are made to end at many different lengths; the model must see fewer tokens, and say the same."""
    beginning = loaded.tokenizer(TEXTS[0])["input_ids"]
    endings = [loaded.tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    prompts = [beginning + ending for ending in endings] + [beginning + endings[1] + endings[4]]
    settings = replace(settings, max_new_tokens=40, temperature=2.0, top_k=0, top_p=1.0, min_p=0.0)
    end = end_tokens(loaded.model, loaded.tokenizer)[0]
    text = torch.tensor([list(chain.from_iterable(prompts))])
    rare = loaded.model(text, output_hidden_states=True).hidden_states[-1][..., 0].quantile(0.9).item()

    def end_at_times(_: torch.nn.Module, inputs: tuple[torch.Tensor], logits: torch.Tensor) -> torch.Tensor:
        ending = (inputs[0][..., :1] > rare) & (torch.arange(logits.shape[-1]) == end)
        raised: torch.Tensor = logits.masked_fill(ending, 1e4)
        return raised

    seen = 0

    def count(_: torch.nn.Module, inputs: tuple[torch.Tensor], __: object) -> None:
        nonlocal seen
        seen += inputs[0].numel()

    head: torch.nn.Module = loaded.model.get_output_embeddings()  # type: ignore[no-untyped-call]
    embedding: torch.nn.Module = loaded.model.get_input_embeddings()
    handles = [head.register_forward_hook(end_at_times), embedding.register_forward_hook(count)]
    try:
        together = generate(loaded.model, loaded.tokenizer, prompts, settings)
        saving, seen = seen, 0
        alone = [
            generate(loaded.model, loaded.tokenizer, [prompt], settings, streams=[row])[0]
            for row, prompt in enumerate(prompts)
        ]
        monkeypatch.setattr("playground.models.batch.keeps_all", lambda _: False)
        seen = 0
        plainly = generate(loaded.model, loaded.tokenizer, prompts, settings)
    finally:
        for handle in handles:
            handle.remove()
    assert together == alone == plainly
    assert len({len(answer.ids) for answer in together}) > 2, "the answers must differ in length"
    assert saving < 0.9 * seen


def test_which_models_rows_can_be_dropped_of(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keeps_all(loaded.model)
    monkeypatch.setattr(type(loaded.model), "_is_stateful", True)
    assert not keeps_all(loaded.model)


def force(loaded: Loaded, token: int) -> torch.utils.hooks.RemovableHandle:
    """Makes `token` by far the likeliest everywhere."""

    def raise_logit(_: torch.nn.Module, __: object, logits: torch.Tensor) -> torch.Tensor:
        bonus = torch.zeros(logits.shape[-1])
        bonus[token] = 1e4
        return logits + bonus

    head: torch.nn.Module = loaded.model.get_output_embeddings()  # type: ignore[no-untyped-call]
    return head.register_forward_hook(raise_logit)


@pytest.mark.parametrize("strategy", ["greedy", "sampling", "beam"])
def test_an_answer_ends_at_the_end_token_and_says_so(loaded: Loaded, strategy: str) -> None:
    settings = GenerationSettings(strategy=strategy, max_new_tokens=5, num_beams=2)  # type: ignore[arg-type]
    end = end_tokens(loaded.model, loaded.tokenizer)[0]
    handle = force(loaded, end)
    try:
        answers = generate(loaded.model, loaded.tokenizer, loaded.prompts, settings)
    finally:
        handle.remove()
    assert [(answer.ids, answer.text, answer.ended) for answer in answers] == [([end], "", True)] * len(TEXTS)


def test_an_answer_that_is_cut_off_has_not_ended(loaded: Loaded) -> None:
    other = loaded.tokenizer("plot", add_special_tokens=False)["input_ids"][-1]
    handle = force(loaded, other)
    try:
        answers = generate(loaded.model, loaded.tokenizer, loaded.prompts, GenerationSettings(max_new_tokens=3))
    finally:
        handle.remove()
    assert all(answer.ids == [other] * 3 and not answer.ended for answer in answers)


def test_an_end_token_within_the_prompt_is_text_like_any_other(gpt2: Loaded) -> None:
    """Chat templates end every turn with the end-of-sequence token, which is the padding token too."""
    end = end_tokens(gpt2.model, gpt2.tokenizer)[0]
    prompts = [[end, *gpt2.prompts[1], end], gpt2.prompts[3]]
    settings = GenerationSettings(max_new_tokens=8)
    assert generate(gpt2.model, gpt2.tokenizer, prompts, settings) == [
        generate(gpt2.model, gpt2.tokenizer, [prompt], settings)[0] for prompt in prompts
    ]
    _, mask = left_padded(prompts, end, torch.device("cpu"))
    assert mask.sum(1).tolist() == [len(prompt) for prompt in prompts]


def test_published_end_tokens_count_too(gpt2: Loaded) -> None:
    own = gpt2.model.generation_config
    assert own is not None
    before = own.eos_token_id
    try:
        own.eos_token_id = [7, 9]
        assert end_tokens(gpt2.model, gpt2.tokenizer) == sorted({7, 9, gpt2.tokenizer.eos_token_id})
    finally:
        own.eos_token_id = before


@pytest.mark.parametrize("strategy", ["greedy", "sampling", "beam"])
def test_streamed_text_grows_into_the_answer(loaded: Loaded, strategy: str) -> None:
    settings = replace(SAMPLING, strategy=strategy, num_beams=2, temperature=1.5)  # type: ignore[arg-type]
    heard: dict[int, list[str]] = {row: [] for row in range(len(TEXTS))}
    answers = generate(
        loaded.model,
        loaded.tokenizer,
        loaded.prompts,
        settings,
        batch_size=3,
        on_tokens=lambda row, text: heard[row].append(text),
    )
    for row, answer in enumerate(answers):
        texts = heard[row]
        assert texts[-1] == answer.text
        # Random models write bytes that are no text, which some decoders judge anew with every further byte.
        if "\ufffd" not in answer.text:
            assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
        assert len(texts) == 1 if strategy == "beam" else len(texts) > 3


def test_stop_leaves_between_tokens(gpt2: Loaded) -> None:
    stop = threading.Event()
    heard: list[str] = []

    def listen(_: int, text: str) -> None:
        heard.append(text)
        if len(heard) == 3:
            stop.set()

    with pytest.raises(Cancelled):
        generate(
            gpt2.model,
            gpt2.tokenizer,
            gpt2.prompts[:1],
            GenerationSettings(max_new_tokens=400),
            stop=stop,
            on_tokens=listen,
        )
    assert 3 <= len(heard) <= 4


def test_progress_ends_with_every_row(gpt2: Loaded) -> None:
    told: list[Progress] = []
    generate(
        gpt2.model, gpt2.tokenizer, gpt2.prompts, GenerationSettings(max_new_tokens=4), batch_size=2, report=told.append
    )
    assert told[-1].done == told[-1].total == len(TEXTS)
    assert [event.done for event in told] == sorted(event.done for event in told)


def test_the_context_is_never_left(loaded: Loaded) -> None:
    """510 of 512 positions taken: two tokens fit, and the short row beside it still gets all of its own."""
    long = (loaded.prompts[0] * 512)[:510]
    settings = GenerationSettings(max_new_tokens=6)
    ordinary = loaded.tokenizer("plot", add_special_tokens=False)["input_ids"][-1]
    handle = force(loaded, ordinary)
    try:
        answers = generate(loaded.model, loaded.tokenizer, [loaded.prompts[1], long, long], settings)
    finally:
        handle.remove()
    assert [len(answer.ids) for answer in answers] == [6, 2, 2]


def test_prompts_that_cannot_be_answered(loaded: Loaded) -> None:
    settings = GenerationSettings(max_new_tokens=4)
    long = (loaded.prompts[0] * 512)[:512]
    with pytest.raises(ModelError, match=r"512 tokens, but the model's context holds 512, answer included"):
        generate(loaded.model, loaded.tokenizer, [long], settings)
    with pytest.raises(ModelError, match="prompt is empty"):
        generate(loaded.model, loaded.tokenizer, [[]], settings)
    assert generate(loaded.model, loaded.tokenizer, [], settings) == []
    assert next_logits(loaded.model, long).shape == (len(loaded.tokenizer),)
    with pytest.raises(ModelError, match=r"513 tokens, but the model's context holds 512; shorten"):
        next_logits(loaded.model, [*long, 5])


def test_next_logits_are_those_of_the_whole_forward_pass(loaded: Loaded) -> None:
    ids = loaded.prompts[2]
    expected = loaded.model(torch.tensor([ids])).logits[0, -1]
    torch.testing.assert_close(next_logits(loaded.model, ids), expected.detach(), atol=1e-5, rtol=0)


def test_a_broken_model_is_named_not_sampled_from(gpt2: Loaded) -> None:
    handle = force(gpt2, 3)
    try:
        head: torch.nn.Module = gpt2.model.get_output_embeddings()  # type: ignore[no-untyped-call]
        second = head.register_forward_hook(lambda _, __, logits: logits * float("nan"))
        with pytest.raises(PlaygroundError, match="not finite"):
            generate(gpt2.model, gpt2.tokenizer, gpt2.prompts[:1], SAMPLING)
        second.remove()
    finally:
        handle.remove()


def test_training_mode_is_given_back(gpt2: Loaded) -> None:
    gpt2.model.train()
    try:
        generate(gpt2.model, gpt2.tokenizer, gpt2.prompts[:1], GenerationSettings(max_new_tokens=2))
        assert gpt2.model.training
        assert all(module.training for module in gpt2.model.modules())
    finally:
        gpt2.model.train(False)
