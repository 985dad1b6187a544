"""Small models of real architectures, made in a second with random weights and tokenizers trained on the spot.

They behave as their families do where it matters here: Llama puts a beginning-of-sequence token in front and marks
word starts with ▁, GPT-2 adds nothing, OPT begins with `</s>`, which is its end-of-sequence token too.
"""

import json
from pathlib import Path
from typing import Literal

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    PreTrainedTokenizerFast,
)

Family = Literal["llama", "gpt2", "opt"]
FAMILIES: tuple[Family, ...] = ("llama", "gpt2", "opt")

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

TEXT = [
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
    "Below is an instruction that describes a task, paired with an input that provides further context.",
    "### Instruction:\nRewrite the sentence.\n\n### Input:\nHe go to the park every day.\n\n### Response:\nHe goes.",
    "Human: What is the capital of France?\n\nAssistant: The capital of France is Paris.",
    "<|user|> <|assistant|> <|end|> system user assistant The film was a joy; the plot was dull and far too long.",
] * 4


def tokenizer_of(family: Family) -> PreTrainedTokenizerFast:
    """A tokenizer of about 400 entries with the family's special tokens and habits."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>" if family == "llama" else None, byte_fallback=family == "llama"))
    if family == "llama":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        )
        special = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
        alphabet = [f"<0x{byte:02X}>" for byte in range(256)]
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        special = ["<pad>", "</s>"] if family == "opt" else ["<|endoftext|>"]
        special += ["<|im_start|>", "<|im_end|>"]
        alphabet = []
    trainer = trainers.BpeTrainer(
        vocab_size=420 + len(alphabet),
        special_tokens=special + alphabet,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if family != "llama" else [],
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer = without_special_bytes(tokenizer)
    begin = {"llama": "<s>", "gpt2": None, "opt": "</s>"}[family]
    if begin:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
        )
    names: dict[Family, dict[str, str]] = {
        "llama": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>"},
        "gpt2": {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"},
        "opt": {"bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>"},
    }
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, chat_template=CHAT_TEMPLATE, **names[family]
    )


def without_special_bytes(tokenizer: Tokenizer) -> Tokenizer:
    """Real tokenizers with byte fallback have <0xE2> and its like as ordinary tokens; the trainer knows only special
    ones, which would be left out of decoded text."""
    document = json.loads(tokenizer.to_str())
    document["added_tokens"] = [token for token in document["added_tokens"] if not token["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(document))


def make_model(family: Family, folder: Path, *, seed: int = 0) -> Path:
    """Writes a two-layer model and its tokenizer to `folder`, ready for `from_pretrained`."""
    tokenizer = tokenizer_of(family)
    size, eos, bos, pad = len(tokenizer), tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.pad_token_id
    torch.manual_seed(seed)
    model: LlamaForCausalLM | GPT2LMHeadModel | OPTForCausalLM
    if family == "llama":
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=size,
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=512,
                bos_token_id=bos,
                eos_token_id=eos,
                pad_token_id=pad,
                initializer_range=0.2,
            )
        )
    elif family == "gpt2":
        model = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=size,
                n_embd=32,
                n_layer=2,
                n_head=4,
                n_positions=512,
                bos_token_id=bos,
                eos_token_id=eos,
                initializer_range=0.2,
            )
        )
    else:
        model = OPTForCausalLM(
            OPTConfig(
                vocab_size=size,
                hidden_size=32,
                ffn_dim=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                word_embed_proj_dim=32,
                max_position_embeddings=512,
                bos_token_id=bos,
                eos_token_id=eos,
                pad_token_id=pad,
                init_std=0.2,
            )
        )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
