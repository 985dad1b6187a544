"""Key words as the tokens that a model writes them with."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from playground.errors import DataError


def key_token_ids(words: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """Ids of the words where they are one token: at the start of a text, behind a space, or as the vocabulary writes
    them (`Ġfilm`, `▁film`); in ascending order.

    Raises:
        DataError: a word is several tokens in every way.
    """
    found: set[int] = set()
    vocabulary = tokenizer.get_vocab()
    for word in words:
        written = [tokenizer(form, add_special_tokens=False)["input_ids"] for form in (word, f" {word}")]
        whole = {ids[0] for ids in written if len(ids) == 1} | ({vocabulary[word]} if word in vocabulary else set())
        if not whole:
            pieces = " · ".join(tokenizer.convert_ids_to_tokens(min(written, key=len)))
            raise DataError(
                f"sft.key_tokens must each be one token of the model's tokenizer; {word!r} is {pieces}. Name one of "
                "these pieces, or another word."
            )
        found |= whole
    return tuple(sorted(found))
