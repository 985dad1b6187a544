"""A quantised GGUF file of the Llama family becomes float32 safetensors, a config and a tokenizer.

Run as a child process, `python -m playground.models.conversion FILE FOLDER`, because the work would hold up a server's
threads for ten seconds. transformers can load such files itself (`gguf_file=`), but reads the file's 100,000 metadata
entries four times over (32 s against 12 s here), ignores how the vocabulary splits numbers, and gives a model that it
refuses to save; so only its tokenizer is used.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader, dequantize
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import pre_tokenizers
from transformers import PreTrainedTokenizerFast

from playground.models.child import end_with_parent, say

LAYER_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
OUTER_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def convert(source: Path, target: Path) -> None:
    """Writes `target`, which `from_pretrained` can load; says `{"done", "total"}` in tensors."""
    reader = GGUFReader(source)
    config = config_of(reader)
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    weights: dict[str, NDArray[np.float32]] = {}
    for index, tensor in enumerate(reader.tensors):
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        part = tensor.name.split(".")[-2]
        if part in heads:
            values = halves_apart(values, heads[part])
        weights[transformers_name(tensor.name)] = values
        say(done=index + 1, total=len(reader.tensors))
    target.mkdir(parents=True)
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    generation = {name: config[name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    (target / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n", encoding="utf-8")
    tokenizer_of(source, reader).save_pretrained(target)


def config_of(reader: GGUFReader) -> dict[str, Any]:
    """The `config.json` of a Llama model, from the file's metadata.

    Raises:
        ValueError: the file is of another family.
    """

    def field(name: str) -> Any:
        return reader.fields[name].contents()

    if field("general.architecture") != "llama":
        raise ValueError(f"only the Llama family is converted; this is {field('general.architecture')}")
    embeddings, heads = field("llama.embedding_length"), field("llama.attention.head_count")
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "vocab_size": len(field("tokenizer.ggml.tokens")),
        "hidden_size": embeddings,
        "intermediate_size": field("llama.feed_forward_length"),
        "num_hidden_layers": field("llama.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": field("llama.attention.head_count_kv"),
        "head_dim": embeddings // heads,
        "hidden_act": "silu",
        "max_position_embeddings": field("llama.context_length"),
        # Kept by GGUF in float32: seven digits are all there were.
        "rms_norm_eps": float(f"{field('llama.attention.layer_norm_rms_epsilon'):.6g}"),
        "rope_parameters": {"rope_theta": field("llama.rope.freq_base"), "rope_type": "default"},
        "tie_word_embeddings": all(tensor.name != "output.weight" for tensor in reader.tensors),
        "bos_token_id": field("tokenizer.ggml.bos_token_id"),
        "eos_token_id": field("tokenizer.ggml.eos_token_id"),
        "pad_token_id": field("tokenizer.ggml.padding_token_id"),
    }


def halves_apart(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of a query or key projection in the order of transformers. (heads * dim, inputs) -> the same shape.

    llama.cpp rotates neighbouring rows of a head together, transformers row i with row i + dim/2
    (`permute` in llama.cpp's convert_hf_to_gguf.py, undone here).
    """
    rows, inputs = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, inputs)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows, inputs))


def transformers_name(name: str) -> str:
    """A tensor's name: `blk.0.attn_q.weight` -> `model.layers.0.self_attn.q_proj.weight`."""
    if name in OUTER_NAMES:
        return OUTER_NAMES[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{LAYER_NAMES[part]}.{kind}"


def tokenizer_of(source: Path, reader: GGUFReader) -> PreTrainedTokenizerFast:
    """The tokenizer, chat template and special tokens that the file carries."""
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(source.parent, gguf_file=source.name)
    if reader.fields["tokenizer.ggml.pre"].contents() == "smollm":
        # SmolLM's merges were learned with every digit by itself, white space before it too: "  1" is two spaces and
        # 1, where GPT-2's rule alone would draw the second space to the digit (llama.cpp: LLAMA_VOCAB_PRE_TYPE_SMOLLM).
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    tokenizer.model_max_length = reader.fields["llama.context_length"].contents()
    return tokenizer


if __name__ == "__main__":
    end_with_parent()
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
