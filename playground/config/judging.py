"""Settings of a language model as judge: who judges, and what it is asked."""

import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from playground.config.run import ModelRef, RunRef
from playground.config.settings import Range, Settings

ENDPOINT = "endpoint"
"""As `judging.model`: the endpoint that the environment names."""
RUN = "run:"
"""Before the id of a run that judges."""
ASKED = ("instruction", "input", "reference")
"""Places in a prompt for what a row asks, and for its reference."""
SCORE_PROMPT = (
    "Given the instruction `{instruction}` {input}\n"
    "and the correct answer `{reference}`,\n"
    "rate the response `{answer}`\n"
    "from 0 (useless) to 100 (as good as the correct answer). Reply with the whole number only."
)
PAIR_PROMPT = (
    "Instruction: {instruction} {input}\n"
    "A correct answer: {reference}\n\n"
    "Answer A: {first}\n\n"
    "Answer B: {second}\n\n"
    "Which answer to the instruction is better? Length and order do not matter. "
    "Reply with the letter A or B only, or C for a tie."
)
LONGEST_PROMPT = 20_000


@dataclass(frozen=True)
class JudgeSettings(Settings):
    """A language model that reads the answers and says how good they are."""

    section: ClassVar[str] = "judging"

    model: str = ""
    """Who judges: a catalogue name, a Hub id, a folder, `run:ID`, or `endpoint` for the OpenAI-compatible endpoint that
    PLAYGROUND_JUDGE_URL and PLAYGROUND_JUDGE_MODEL name; empty for nobody."""
    way: Literal["score", "pair"] = "score"
    """Each answer gets a score from 0 to 100, or each model's answer meets the base's, twice and in both orders: a win
    is one in both, anything else a tie."""
    score_prompt: str = SCORE_PROMPT
    """What is asked for a score, with places in braces: {answer}, and {instruction}, {input} and {reference} as
    wanted."""
    pair_prompt: str = PAIR_PROMPT
    """What is asked for the better of two, with places in braces: {first} and {second}, and the others as wanted."""
    max_new_tokens: Annotated[int, Range(1, 1024)] = 24
    """Longest verdict, in tokens."""

    @property
    def ref(self) -> ModelRef:
        """The model that judges, where it is not the endpoint."""
        return RunRef(self.model.removeprefix(RUN)) if self.model.startswith(RUN) else self.model

    def conflicts(self) -> Iterator[str]:
        yield from _problems("judging.score_prompt", self.score_prompt, ("answer",))
        yield from _problems("judging.pair_prompt", self.pair_prompt, ("first", "second"))


def _problems(path: str, prompt: str, needed: tuple[str, ...]) -> Iterator[str]:
    if len(prompt) > LONGEST_PROMPT:
        yield f"{path} may have {LONGEST_PROMPT:,} letters; got {len(prompt):,}."
        return
    try:
        parsed = [(name, form, kind) for _, name, form, kind in string.Formatter().parse(prompt) if name is not None]
    except ValueError as error:
        yield f"{path} cannot be read: {error}; write a brace that is meant as such twice."
        return
    names = [name for name, _, _ in parsed]
    known = (*needed, *ASKED)
    unknown = [name for name in names if name not in known]
    if unknown or any(form or kind for _, form, kind in parsed):
        listed = ", ".join(f"{{{name}}}" for name in unknown) or "a place with a format"
        meant = ", ".join(f"{{{name}}}" for name in known)
        yield f"{path} has places that mean nothing here: {listed}; known are {meant}."
    if missing := [name for name in needed if name not in names]:
        yield f"{path} needs {' and '.join(f'{{{name}}}' for name in missing)}, where the answers are to stand."
