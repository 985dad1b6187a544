"""From what a person typed to the token ids a model is given."""

from collections.abc import Callable, Sequence

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from playground.errors import ModelError

Prompt = str | list[int] | Callable[[PreTrainedTokenizerBase], list[int]]
"""Text to be continued as it stands, token ids, or what makes ids with the tokenizer of the model that answers."""


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> list[int]:
    """The ids of a prompt in any of its forms.

    Raises:
        ModelError: see `start_ids`.
    """
    if isinstance(prompt, str):
        return start_ids(tokenizer, prompt)
    return prompt if isinstance(prompt, list) else prompt(tokenizer)


def chat_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """A message of the user in the model's own chat template, ready for the answer.

    Raises:
        ModelError: the model has no chat template.
    """
    return conversation_ids(tokenizer, [("user", text)])


def conversation_ids(tokenizer: PreTrainedTokenizerBase, turns: Sequence[tuple[str, str]]) -> list[int]:
    """Roles and words in the model's own chat template, ready for the answer to the last of them.

    Raises:
        ModelError: the model has no chat template, or it refuses such a conversation.
    """
    if not tokenizer.chat_template:
        raise ModelError("This model has no chat template; give the prompt as plain text, or load an instruct model.")
    messages = [{"role": role, "content": content} for role, content in turns]
    try:
        rendered = tokenizer.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=False,
            enable_thinking=False,  # as in training: answers are plain; other templates do not look at it
        )
    except TemplateError as error:
        raise ModelError(f"The model's chat template refuses the conversation: {error}.") from error
    # The template writes the special tokens itself.
    ids: list[int] = tokenizer(rendered, add_special_tokens=False)["input_ids"]
    return ids


def start_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """A text as it stands, with the special tokens that the tokenizer puts in front; for an empty one the
    beginning-of-sequence token, or else the end-of-sequence token, which stands between texts.

    Raises:
        ModelError: the text is empty and the model has neither.
    """
    ids: list[int] = tokenizer(text)["input_ids"]
    if ids:
        return ids
    for start in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if start is not None:
            return [int(start)]
    raise ModelError("The prompt is empty, and this model has no token that starts a text; type something.")
