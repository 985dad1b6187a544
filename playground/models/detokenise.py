"""Token ids back to text, piece by piece, without losing spaces or showing half a character."""

from collections.abc import Iterator, Sequence

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

CONTEXT = 8
"""Prompt tokens that stand before an answer while it is decoded."""
BROKEN = "\ufffd"
"""What decoders give for bytes that are no UTF-8."""
LONGEST_CHARACTER = 4
"""Bytes of a character in UTF-8, at most."""


class AnswerText:
    """The text of an answer that grows token by token.

    Decoded behind the end of its prompt, because tokenizers of SentencePiece's kind drop the space in front of the
    first word of whatever they decode.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompt: Sequence[int]) -> None:
        self.tokenizer = tokenizer
        self.context = list(prompt[-CONTEXT:])
        self.before = decode(tokenizer, self.context)
        self.ids: list[int] = []

    def whole(self) -> str:
        """The text so far, special tokens left out; `\\ufffd` at its end for a character that is not complete."""
        text = self._decode(self.ids)
        if text.endswith(BROKEN):
            # Byte-fallback decoders give up a whole run of bytes for its incomplete end, whole characters included.
            for missing in range(1, min(LONGEST_CHARACTER, len(self.ids) + 1)):
                complete = self._decode(self.ids[:-missing])
                if not complete.endswith(BROKEN):
                    return complete + BROKEN
        return text

    def settled(self) -> str:
        """The text so far without a character at its end that further tokens may complete."""
        return self.whole().rstrip(BROKEN)

    def _decode(self, ids: list[int]) -> str:
        text = decode(self.tokenizer, self.context + ids)
        if text.startswith(self.before):
            return text[len(self.before) :]
        # The prompt ends within a character, which the answer completes.
        return decode(self.tokenizer, ids)


def decode(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int], *, special: bool = False) -> str:
    """Text of `ids` just as the pieces spell it: no tidying of spaces before punctuation."""
    text = tokenizer.decode(list(ids), skip_special_tokens=not special, clean_up_tokenization_spaces=False)
    assert isinstance(text, str)  # noqa: S101, a list is given back for lists of lists only
    return text


def token_texts(tokenizer: PreTrainedTokenizerBase, vocabulary: int) -> list[str]:
    """The text that each token id stands for within a text, white space as it is.

    A token that is not valid UTF-8 by itself is `\\ufffd` and its bytes in the form `<0xE2><0x80>`; an id without a
    token, as models with rounded-up embeddings have, is `<unused 49155>`.

    Args:
        vocabulary: number of ids, the width of the model's logits.
    """
    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    byte_of = _byte_alphabet(tokenizer)
    pieces = _spelled(tokenizer, names, byte_of) if byte_of else _decoded(tokenizer, names)
    texts = [f"<unused {token_id}>" if piece is None else piece for token_id, piece in enumerate(pieces)]
    texts.extend(f"<unused {token_id}>" for token_id in range(len(texts), vocabulary))
    return texts[:vocabulary]


def _spelled(
    tokenizer: PreTrainedTokenizerBase, names: Sequence[str | None], byte_of: dict[str, int]
) -> Iterator[str | None]:
    """Texts of a byte-level vocabulary, letter by letter; ten times as fast as its decoder."""
    added = tokenizer.get_added_vocab()
    for name in names:
        if name is None or name in added:
            yield name
            continue
        content = bytes(byte_of[letter] for letter in name)
        try:
            yield content.decode()
        except UnicodeDecodeError:
            yield BROKEN + "".join(f"<0x{byte:02X}>" for byte in content)


def _decoded(tokenizer: PreTrainedTokenizerBase, names: Sequence[str | None]) -> Iterator[str | None]:
    """Texts of any other vocabulary: what each token adds behind another."""
    anchor = tokenizer.encode("a", add_special_tokens=False)[-1:]
    before = decode(tokenizer, anchor, special=True)
    for token_id, name in enumerate(names):
        if name is None:
            yield None
            continue
        text = decode(tokenizer, [*anchor, token_id], special=True).removeprefix(before)
        yield BROKEN + name if BROKEN in text and name.startswith("<0x") else text


def _byte_alphabet(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Letter to byte for byte-level tokenizers, which write each byte as one printable letter; empty for others."""
    if not tokenizer.is_fast:
        return {}
    # By its description: a decoder may be a sequence, whose parts cannot be had otherwise without all merges.
    is_byte_level = "ByteLevel" in str(tokenizer.backend_tokenizer.decoder)
    letters: dict[int, str] = bytes_to_unicode()  # type: ignore[no-untyped-call]
    return {letter: byte for byte, letter in letters.items()} if is_byte_level else {}
