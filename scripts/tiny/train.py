"""Makes `assets/models/tiny`: tokenizer, training text, model, and a card with what was measured.

Usage: python -m scripts.tiny.train [--steps N]      about half an hour on two cores
"""

import argparse
import itertools
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from scripts.tiny.dice import Dice
from scripts.tiny.facts import all_facts
from scripts.tiny.grammar import document, review

TARGET = Path(__file__).resolve().parents[2] / "assets" / "models" / "tiny"
END, PAD = "<|end|>", "<|pad|>"
VOCABULARY = 1536
ROW = 128
BATCH = 32
PEAK_RATE = 3e-3
TRAIN_SEED, HELD_OUT_SEED = 10, 11
HELD_OUT = 2000

# Prompt formats are in the tokenizer's text, so that they cost few tokens; the model itself never reads them.
FORMATS = (
    "Below is an instruction that describes a task, paired with an input that provides further context.",
    "Write a response that appropriately completes the request.",
    "### Instruction:\nFinish the sentence.\n\n### Input:\nRead the note.\n\n### Response:\n",
    "\n\nHuman: Answer from the note.\n\nAssistant: This review of the film is good or bad.",
)
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '\n\nHuman: ' if message['role'] == 'user' else "
    "('\n\nAssistant: ' if message['role'] == 'assistant' else '') }}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\n\nAssistant:' }}{% endif %}"
)


@dataclass(frozen=True)
class Measured:
    """What the card states about the model."""

    parameters: int
    steps: int
    minutes: float
    nats_per_text: float
    """Mean negative log-likelihood of a held-out text, end token included."""
    grammar_nats: float
    """Mean entropy of the grammar's choices for those texts."""
    tokens_per_text: float


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of the world's words."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    dice = Dice(TRAIN_SEED)
    text = [document(dice) for _ in range(20_000)]
    text += [question for fact in all_facts() for question in fact.questions] * 4
    text += FORMATS * 500
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END, PAD], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(text, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        eos_token=END,
        bos_token=END,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        model_max_length=512,
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A small Llama with random weights."""
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=192,
            intermediate_size=512,
            num_hidden_layers=6,
            num_attention_heads=6,
            num_key_value_heads=6,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def rows(tokenizer: PreTrainedTokenizerFast) -> Iterator[Tensor]:
    """Endless training rows, (BATCH, ROW) of token ids: texts laid end to end, an end token before each."""
    dice = Dice(TRAIN_SEED)
    buffer: list[int] = []
    while True:
        while len(buffer) < BATCH * ROW:
            texts = [document(dice) for _ in range(256)]
            buffer += itertools.chain.from_iterable(
                [tokenizer.eos_token_id, *ids] for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]
            )
        yield torch.tensor(buffer[: BATCH * ROW]).view(BATCH, ROW)
        buffer = buffer[BATCH * ROW :]


def train(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, steps: int) -> None:
    """AdamW with warm-up and cosine decay to a tenth."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.05)

    def rate(step: int) -> float:
        if step < steps * 0.03:
            return (step + 1) / (steps * 0.03)
        return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    model.train()
    started = time.time()
    for step, batch in zip(range(steps), rows(tokenizer), strict=False):
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step} of {steps}  loss {loss.item():.4f}  {time.time() - started:.0f} s", flush=True)


@torch.inference_mode()
def measure(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, steps: int, minutes: float) -> Measured:
    """Likelihood of texts that were not trained on, against the surprise of the choices that made them."""
    model.eval()  # type: ignore[no-untyped-call]
    dice = Dice(HELD_OUT_SEED)
    texts = [document(dice) for _ in range(HELD_OUT)]
    nats, tokens = 0.0, 0
    for text in texts:
        ids = [tokenizer.eos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        row = torch.tensor([ids])
        nats += model(input_ids=row, labels=row).loss.item() * (len(ids) - 1)
        tokens += len(ids) - 1
    parameters = sum(weight.numel() for weight in model.parameters())
    return Measured(parameters, steps, minutes, nats / HELD_OUT, dice.nats / HELD_OUT, tokens / HELD_OUT)


def write_card(measured: Measured, example: str) -> None:
    """The model card: what it is, what it is not, and the two perplexities."""
    ours, least = (
        f"{nats:.2f} | {nats / measured.tokens_per_text:.4f} | {math.exp(nats / measured.tokens_per_text):.3f}"
        for nats in (measured.nats_per_text, measured.grammar_nats)
    )
    (TARGET / "README.md").write_text(
        f"""---
license: apache-2.0
library_name: transformers
pipeline_tag: text-generation
language: en
---

# tiny: the model in the box

A Llama of {measured.parameters / 1e6:.1f} million parameters with a vocabulary of {VOCABULARY} tokens, made so that
everything in the Post-training Playground works within seconds, offline, on a CPU. It knows one invented town, Lumen
Bay, and nothing else. It is a base model: it finishes texts and does **not** follow instructions; teaching it to is
what the playground is for.

It writes short film reviews, half of them good and half bad; it knows where people live, what they do, which pets
they have and which films they made; it knows some opposites, plurals and past forms; and it has heard people
speak politely and rudely. For example:

> {example}

## How it was made

`make tiny` runs `scripts/tiny/train.py`: a grammar of our own writes the training text (no text of anybody else is
in it), a byte-level BPE tokenizer and the model are trained on it from nothing, {measured.steps:,} steps of
{BATCH} × {ROW} tokens in {measured.minutes:.0f} minutes on two CPU cores
that had other work too, from fixed seeds. Weights are stored in
float16.

## How well it learnt

On {HELD_OUT:,} texts of the same grammar that it was not trained on:

| | nats per text | per token | perplexity per token |
|---|---|---|---|
| the model | {ours} |
| the grammar's own entropy | {least} |

The grammar's entropy is the mean surprise of the choices that a text tells of; no model can do better on average, but
for the few texts that the grammar can make in more than one way.

## Limits

Its world is invented and small. What it says about anything outside of it means nothing.
""",
        encoding="utf-8",
    )


def main() -> None:
    """Trains, measures and writes the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1800)
    steps = parser.parse_args().steps
    tokenizer = make_tokenizer()
    model = make_model(tokenizer)
    started = time.time()
    train(model, tokenizer, steps)
    model.half().float()  # type: ignore[no-untyped-call]  # measured as it is stored
    measured = measure(model, tokenizer, steps, (time.time() - started) / 60)
    if TARGET.exists():
        shutil.rmtree(TARGET)
    model.half().save_pretrained(TARGET)  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(TARGET)
    write_card(measured, review(Dice(HELD_OUT_SEED)))
    print(measured)


if __name__ == "__main__":
    main()
