"""Writes assets/data/instructions.json: 600 short tasks with answers, from word lists and a small grammar.

Every text is this project's own; nothing is taken from elsewhere. The rows come out the same on every machine:

    python -m scripts.make_instructions [TARGET]
"""

import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from scripts.instruction_words import (
    ACRONYMS,
    BLANKS,
    CATEGORIES,
    NOUNS,
    ONES,
    OPPOSITES,
    PAST,
    PLURAL,
    PLURALS,
    SINGULAR,
    SYNONYMS,
    TENS,
    TIMES,
    UNCOUNTED,
    UNITS,
    VERBS,
)

TARGET = Path(__file__).resolve().parents[1] / "assets" / "data" / "instructions.json"
SEED = 20
ROWS_PER_KIND = 40


@dataclass(frozen=True)
class Clause:
    """A subject, a verb and an object, in the forms that the tasks need."""

    subject: str
    plural: bool
    base: str
    third: str
    past: str
    participle: str
    thing: str

    @property
    def present(self) -> str:
        """The verb as the subject wants it."""
        return self.base if self.plural else self.third


Item = tuple[str, str]
"""What is asked about, and the answer."""


@dataclass(frozen=True)
class Kind:
    """A kind of task. An ask with `{}` takes the item into the instruction; without, the item is the row's input."""

    asks: tuple[str, ...]
    items: Callable[[random.Random], Iterator[Item]]


def pairs(text: str) -> list[list[str]]:
    """`hot cold, big small` as pairs."""
    return [pair.split() for pair in text.replace("\n", " ").split(", ")]


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return f"{', '.join(words[:-1])} and {words[-1]}"


def sentence(text: str, end: str = ".") -> str:
    """The text with a capital in front and a mark behind."""
    return text[0].upper() + text[1:] + end


def clauses(rng: random.Random) -> Iterator[Clause]:
    """Every clause of the grammar, shuffled."""
    made = []
    for line in VERBS.splitlines():
        forms, things = line.split(": ")
        for thing in things.split("|"):
            for subject in SINGULAR + PLURAL:
                base, third, past, participle = forms.split()
                made.append(Clause(subject, subject in PLURAL, base, third, past, participle, thing))
    rng.shuffle(made)
    return iter(made)


def from_pairs(text: str, answer: str) -> Callable[[random.Random], Iterator[Item]]:
    """Items of a word list; `answer` takes both words."""

    def items(rng: random.Random) -> Iterator[Item]:
        known = pairs(text)
        rng.shuffle(known)
        return ((first, answer.format(first, second)) for first, second in known)

    return items


def categories(rng: random.Random) -> Iterator[Item]:
    """Sparrow, bird."""
    known = [(word, name) for name, words in CATEGORIES.items() for word in words.split()]
    rng.shuffle(known)
    for word, name in known:
        subject = word if word in UNCOUNTED else f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
        yield word, sentence(f"{subject} is a kind of {name}")


def sorting(rng: random.Random) -> Iterator[Item]:
    """Words in any order, then in the alphabet's."""
    while True:
        words = rng.sample(NOUNS, rng.choice((3, 4, 5)))
        yield ", ".join(words), sentence(f"in alphabetical order, the words are {listed(sorted(words))}")


def reversing(rng: random.Random) -> Iterator[Item]:
    """Words, then the same from the end."""
    while True:
        words = rng.sample(NOUNS, rng.choice((3, 4)))
        yield ", ".join(words), sentence(f"in reverse order, the words are {listed(words[::-1])}")


def counting(rng: random.Random) -> Iterator[Item]:
    """A sentence and the number of its words."""
    for clause in clauses(rng):
        ending = rng.choice(["", *(f" {time}" for time in TIMES)])
        text = sentence(f"{clause.subject} {clause.past} {clause.thing}{ending}")
        yield text, f"The sentence has {ONES[len(text.split())]} words."


def questions(rng: random.Random) -> Iterator[Item]:
    """A statement and the question that asks whether it is so."""
    for clause in clauses(rng):
        statement = sentence(f"{clause.subject} {clause.present} {clause.thing}")
        helper = "do" if clause.plural else "does"
        yield statement, sentence(f"{helper} {clause.subject} {clause.base} {clause.thing}", "?")


def passives(rng: random.Random) -> Iterator[Item]:
    """An active sentence and its passive."""
    for clause in clauses(rng):
        many = clause.thing.endswith("s")
        active = sentence(f"{clause.subject} {clause.past} {clause.thing}")
        yield active, sentence(f"{clause.thing} {'were' if many else 'was'} {clause.participle} by {clause.subject}")


def corrections(rng: random.Random) -> Iterator[Item]:
    """A sentence whose verb does not agree with its subject, and the right one."""
    for clause in clauses(rng):
        wrong = clause.third if clause.plural else clause.base
        rest = f"{clause.thing} every day"
        yield (
            sentence(f"{clause.subject} {wrong} {rest}"),
            sentence(f"{clause.subject} {clause.present} {rest}"),
        )


def conversions(rng: random.Random) -> Iterator[Item]:
    """A quantity in a large unit and in a small one."""
    while True:
        large, small, factor = rng.choice(UNITS)
        count = rng.randint(2, 20)
        yield f"{count} {large} to {small}", f"{count} {large} are {count * factor} {small}."


def acronyms(rng: random.Random) -> Iterator[Item]:
    """A phrase and its first letters."""
    phrases = ACRONYMS.replace("\n", " ").split(", ")
    rng.shuffle(phrases)
    for phrase in phrases:
        yield phrase, f'The acronym of "{phrase}" is {"".join(word[0] for word in phrase.split()).upper()}.'


def blanks(rng: random.Random) -> Iterator[Item]:
    """A sentence with a gap, and the whole sentence."""
    known = [f"{text}." for text in BLANKS.replace("\n", " ").removesuffix(".").split(". ")]
    rng.shuffle(known)
    for text in known:
        start, word, end = text.replace("]", "[").split("[")
        yield f"{start}____{end}", f"{start}{word}{end}"


def numbers(rng: random.Random) -> Iterator[Item]:
    """A number in digits and in words."""
    for number in rng.sample(range(11, 1000), 200):
        yield str(number), f"The number {number} in words is {in_words(number)}."


def in_words(number: int) -> str:
    """0 to 999: `four hundred and seven`."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10 - 2] + (f"-{ONES[number % 10]}" if number % 10 else "")
    return f"{ONES[number // 100]} hundred" + (f" and {in_words(number % 100)}" if number % 100 else "")


def _quoted(*asks: str) -> tuple[str, ...]:
    return tuple(ask.replace("{}", '"{}"') for ask in asks)


KINDS = (
    Kind(
        _quoted(
            "What is the opposite of {}?", "Name a word that means the opposite of {}.", "Give an antonym of the word."
        ),
        from_pairs(OPPOSITES, 'The opposite of "{}" is "{}".'),
    ),
    Kind(
        _quoted("What is a synonym for {}?", "Suggest another word for {}.", "Name a word with the same meaning."),
        from_pairs(SYNONYMS, 'A synonym for "{}" is "{}".'),
    ),
    Kind(
        _quoted("What is the plural of {}?", "Write the plural form of {}.", "Give the plural of the noun."),
        from_pairs(PLURALS, 'The plural of "{}" is "{}".'),
    ),
    Kind(
        _quoted(
            "What is the past tense of {}?", "Put the verb {} in the past tense.", "Give the past tense of the verb."
        ),
        from_pairs(PAST, 'The past tense of "{}" is "{}".'),
    ),
    Kind(
        (
            "Sort these words alphabetically.",
            "Put the words in alphabetical order.",
            "Arrange in alphabetical order: {}.",
        ),
        sorting,
    ),
    Kind(
        (
            "Write the list in reverse order.",
            "Reverse the order of these words.",
            "List these words from last to first: {}.",
        ),
        reversing,
    ),
    Kind(
        (
            "Count the words in the sentence.",
            "How many words does this sentence have?",
            "How many words are there here: {}",
        ),
        counting,
    ),
    Kind(
        _quoted("What kind of thing is {}?", "To which group does {} belong?", "Name the category of the word."),
        categories,
    ),
    Kind(
        (
            "Turn the sentence into a question.",
            "Rewrite the statement as a question.",
            "Make this a yes-or-no question: {}",
        ),
        questions,
    ),
    Kind(
        (
            "Change the sentence to the passive voice.",
            "Rewrite in the passive voice.",
            "Make this sentence passive: {}",
        ),
        passives,
    ),
    Kind(
        ("Correct the grammar of the sentence.", "Fix the verb in this sentence.", "Rewrite this correctly: {}"),
        corrections,
    ),
    Kind(("Convert {}.", "Convert the quantity.", "How much is this: {}?"), conversions),
    Kind(
        _quoted("What is the acronym of {}?", "Form an acronym from the phrase.", "Shorten {} to its first letters."),
        acronyms,
    ),
    Kind(
        ("Fill in the blank.", "Complete the sentence with the missing word.", "Which word is missing? {}"),
        blanks,
    ),
    Kind(("Write {} in words.", "Write the number in words.", "How is the number {} spelled?"), numbers),
)


def rows() -> list[dict[str, str]]:
    """All rows in their final order: kinds mixed, so that any share of the file holds every kind."""
    made = []
    for place, kind in enumerate(KINDS):
        rng = random.Random(f"{SEED}/{place}")
        seen = dict(islice(_distinct(kind.items(rng)), ROWS_PER_KIND))
        for asked, answer in seen.items():
            ask = rng.choice(kind.asks)
            inline = "{}" in ask
            instruction = ask.replace("{}", asked)
            made.append({"instruction": instruction, "input": "" if inline else asked, "output": answer})
    random.Random(SEED).shuffle(made)
    return made


def _distinct(items: Iterator[Item]) -> Iterator[Item]:
    """The items without those that ask the same as an earlier one."""
    seen = set()
    for asked, answer in items:
        if asked not in seen:
            seen.add(asked)
            yield asked, answer


def text() -> str:
    """The file: a JSON array with one row per line."""
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows()) + "\n]\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(text(), encoding="utf-8", newline="\n")
    print(f"{target}: {len(rows())} rows, {target.stat().st_size} bytes")
