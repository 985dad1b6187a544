"""Virtual tokens before a text: the same answers as peft gives, in any batch, beside LoRA and the model alone."""

import threading
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.config import codec
from playground.config.beams import BeamSettings
from playground.config.generation import GenerationSettings
from playground.config.run import AdapterSettings, ModelRef, RunConfig, RunRef
from playground.errors import ModelError
from playground.models.beams import search
from playground.models.contest import contest
from playground.models.generation import generate, next_logits
from playground.models.lineage import check_start
from playground.models.loading import LoadedModel, load
from playground.models.rollouts import Wish, draw
from playground.models.serving import ModelServer
from playground.models.shelf import Shelf
from playground.models.soft_prompts import attach_prompt
from playground.models.virtual_tokens import virtual_tokens
from playground.runs.home import runs_folder
from tests.models.served import GREEDY, PROMPT, make_run
from tests.small_models import FAMILIES

TEXTS = [
    "The capital of France is",
    "Human: What",
    "Below is an instruction that describes a task, paired with an input",
]
LENGTH = 4
IGNORED = pytest.mark.filterwarnings("ignore:Position ids are not supported")
"""What peft says of its own `generate`."""


def make_prompt_run(run: str, base: Path, seed: int = 0) -> Path:
    """A run's folder with a soft prompt of four virtual tokens far from any word."""
    folder = runs_folder() / run
    folder.mkdir(parents=True)
    adapter = AdapterSettings(kind="prompt_tuning", num_virtual_tokens=LENGTH)
    (folder / "config.json").write_text(codec.dumps(RunConfig(model=str(base), name=run, adapter=adapter)))
    model = AutoModelForCausalLM.from_pretrained(base)
    tuned = attach_prompt(model, AutoTokenizer.from_pretrained(base), adapter, seed)
    torch.manual_seed(seed)
    with torch.no_grad():
        tuned.prompt_encoder["default"].embedding.weight.normal_(std=0.7)
    tuned.save_pretrained(folder / "adapter")
    return folder / "adapter"


def peft_answer(base: Path, adapter: Path, ids: list[int], tokens: int) -> list[int]:
    """What peft's own `generate` writes, greedily, after one prompt without padding."""
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(adapter)).eval()
    given = torch.tensor([ids])
    output = model.generate(
        input_ids=given, attention_mask=torch.ones_like(given), max_new_tokens=tokens, do_sample=False
    )
    answer: list[int] = output[0, len(ids) :].tolist()
    return answer


def loaded(ref: ModelRef) -> LoadedModel:
    return load(ref, dtype="float32", device="cpu", report=lambda _: None, stop=threading.Event())


@IGNORED
@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_those_of_peft_whatever_shares_the_batch(family: str, small_models: dict[str, Path]) -> None:
    """Rows of the base, of two prompts and of different lengths in one batch, padded on the left."""
    base = small_models[family]
    folders = [make_prompt_run(name, base, seed) for seed, name in enumerate(("one", "two"))]
    model = loaded(str(base))
    shelf = Shelf(model)
    sides = [shelf.base(), *(shelf.tuned(name, threading.Event()) for name in ("one", "two"))]
    prompts = [model.tokenizer(text)["input_ids"] for text in TEXTS]
    asked = [(side, prompt) for prompt in prompts for side in sides]
    answers = generate(
        model.model,
        model.tokenizer,
        [side.reading(prompt) for side, prompt in asked],
        GenerationSettings(max_new_tokens=8),
    )
    for (side, prompt), answer in zip(asked, answers, strict=True):
        if side.lead:
            assert answer.ids == peft_answer(base, folders[sides.index(side) - 1], prompt, 8)[: len(answer.ids)]
        else:
            alone = generate(model.model, model.tokenizer, [prompt], GenerationSettings(max_new_tokens=8))[0]
            assert answer.ids == alone.ids
    assert len({tuple(answer.ids) for answer in answers}) > 3
    shelf.forget("one")
    shelf.forget("two")
    assert not model.model.get_input_embeddings()._forward_hooks
    assert torch.equal(next_logits(model.model, prompts[0]), next_logits(loaded(str(base)).model, prompts[0]))


@IGNORED
def test_base_lora_and_a_soft_prompt_answer_side_by_side(small_models: dict[str, Path]) -> None:
    base = small_models["llama"]
    adapter = make_prompt_run("prompt", base)
    make_run("lora", str(base), base, seed=3)
    server = ModelServer()
    server.start_loading(str(base), "float32", "cpu")
    assert server.wait_loaded().state == "ready"
    alone = server.answer(PROMPT, GREEDY)
    lora = server.answer(PROMPT, GREEDY, run="lora")
    pair = list(server.stream_pair(PROMPT, "prompt", GREEDY))[-1]
    ids = server.tokenizer(PROMPT)["input_ids"]
    expected = peft_answer(base, adapter, ids, GREEDY.max_new_tokens)
    answer = server.answer(PROMPT, GREEDY, run="prompt")
    assert answer.ids == expected[: len(answer.ids)]
    assert (pair.base, pair.tuned) == (alone.text, answer.text)
    assert server.answer(PROMPT, GREEDY, run="lora").ids == lora.ids

    seen = server.next_token(PROMPT, run="prompt", traced=3)
    assert seen.ids == ids
    assert seen.trace is not None
    assert seen.trace.start == len(ids) - 3
    assert int(seen.logits.argmax()) == expected[0]
    penalised = GenerationSettings(strategy="sampling", max_new_tokens=4, repetition_penalty=1.3, frequency_penalty=0.5)
    drawn = draw(server, Wish(PROMPT, penalised, 2, run="prompt"))
    assert drawn.prompt == ids
    assert drawn.rollouts[0].ids == server.answer(PROMPT, penalised, run="prompt").ids
    *_, found = contest(server, PROMPT, BeamSettings(num_beams=2, max_new_tokens=4), chat=False, run="prompt")
    assert found.search is not None
    assert found.search.prompt == ids


def test_a_beam_search_does_not_take_virtual_tokens_for_repeats(small_models: dict[str, Path]) -> None:
    model = loaded(str(small_models["gpt2"]))
    with virtual_tokens(model.model, torch.randn(LENGTH, 32)) as lead:
        settings = BeamSettings(num_beams=2, max_new_tokens=5, no_repeat_ngram_size=1)
        found = search(model.model, [*lead, 7, 8], settings, ends=[])
    assert not {7, 8} & set(found.tokens(found.finished[0]))


def test_a_soft_prompt_of_another_width_is_refused(small_models: dict[str, Path]) -> None:
    model = loaded(str(small_models["gpt2"]))
    with (
        pytest.raises(ModelError, match="4 × 31, but this model's embeddings have 32"),
        virtual_tokens(model.model, torch.zeros(4, 31)),
    ):
        pass


def test_a_soft_prompt_is_neither_merged_nor_started_from(small_models: dict[str, Path]) -> None:
    make_prompt_run("prompt", small_models["llama"])
    for refused in (check_start, loaded):
        with pytest.raises(ModelError, match=r"learnt a soft prompt, which .* cannot be merged into weights"):
            refused(RunRef("prompt"))
