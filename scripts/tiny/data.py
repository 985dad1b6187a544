"""Writes the bundled data sets about Lumen Bay to `assets/data`, each in two parts that share no answers.

Usage: python -m scripts.tiny.data
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from scripts.tiny.dice import Dice
from scripts.tiny.facts import Fact, all_facts, person_facts
from scripts.tiny.grammar import MOODS, POLITE, RUDE, opening, review_rest
from scripts.tiny.world import Film, films, people

TARGET = Path(__file__).resolve().parents[2] / "assets" / "data"
PARTS = ("train", "test")
HELD_OUT_SHARE = 5
"""One fact or film in so many is kept for the test part."""

Row = dict[str, str]


def part_of(index: int) -> str:
    """Which part the index-th fact or film belongs to; all that is said about it stays in that part."""
    return "test" if index % HELD_OUT_SHARE == HELD_OUT_SHARE - 1 else "train"


def facts(part: str, seed: int) -> list[Fact]:
    """The facts of one part, shuffled before they are shared out, so that every topic is in both."""
    dice = Dice(seed)
    shuffled = dice.some(all_facts(), len(all_facts()))
    return [fact for index, fact in enumerate(shuffled) if part_of(index) == part]


def films_of(part: str) -> list[Film]:
    """The films of one part."""
    return [film for index, film in enumerate(films()) if part_of(index) == part]


def instructions(part: str, dice: Dice) -> list[Row]:
    """Questions, unfinished sentences, notes to read and reviews to judge, with the answers."""
    rows = [row for fact in facts(part, 20) for row in _tasks(fact, part, dice)]
    for film in films_of(part):
        for good in (True, False):
            text = f"{opening(dice, film)}{review_rest(dice, MOODS[good])}"
            answer = f"The review of {film.title} is {'good' if good else 'bad'}."
            rows.append(_instruction("Is this review good or bad?", text, answer))
    return dice.some(rows, len(rows))


def _tasks(fact: Fact, part: str, dice: Dice) -> Iterator[Row]:
    questions = fact.questions if part == "train" else (dice.pick(fact.questions),)
    for question in questions:
        yield _instruction(question, "", fact.sentence)
    if dice.chance(0.5):
        words = fact.sentence.split()
        yield _instruction("Finish the sentence.", " ".join(words[: len(words) // 2 + 1]), fact.sentence)
    note = _note(fact, dice)
    if note and dice.chance(0.5):
        yield _instruction(f"Read the note. {fact.questions[0]}", note, fact.sentence)


def _note(fact: Fact, dice: Dice) -> str:
    """The fact among two others about the same person, or nothing where it is not about a person."""
    about = [person for person in people() if fact in person_facts(person)]
    if not about:
        return ""
    others = [other for other in person_facts(about[0]) if other != fact]
    sentences = [fact.sentence, *(other.sentence for other in dice.some(others, 2))]
    return " ".join(dice.some(sentences, 3))


def _instruction(instruction: str, context: str, output: str) -> Row:
    return {"instruction": instruction, "input": context, "output": output}


def preferences(part: str, dice: Dice) -> list[Row]:
    """Polite against rude, and right against wrong answers to the same question."""
    rows = []
    known = facts(part, 21)
    for fact in known:
        question = dice.pick(fact.questions)
        if dice.chance(0.5):
            chosen, rejected = f"{dice.pick(POLITE)} {fact.sentence}", f"{dice.pick(RUDE)} {fact.sentence}"
        else:
            wrong = [other.sentence for other in known if other.topic == fact.topic and other != fact]
            chosen, rejected = fact.sentence, _same_subject(fact.sentence, dice.pick(wrong)) if wrong else ""
        if rejected and rejected != chosen:
            rows.append({"prompt": question, "chosen": chosen, "rejected": rejected})
    return dice.some(rows, len(rows))


def manners(part: str, dice: Dice) -> list[Row]:
    """The same right answer in two tones: polite goes before plain, and plain before rude.

    One polite phrase is only in the test part, so that knowing phrases by heart is not enough.
    """
    rows = []
    for fact in facts(part, 22):
        polite, rude = dice.pick(POLITE if part == "test" else POLITE[:-1]), dice.pick(RUDE)
        tones = [f"{polite} {fact.sentence}", fact.sentence, f"{rude} {fact.sentence}"]
        chosen, rejected = dice.pick(((0, 1), (0, 2), (1, 2)))
        rows.append({"prompt": dice.pick(fact.questions), "chosen": tones[chosen], "rejected": tones[rejected]})
    return dice.some(rows, len(rows))


def _same_subject(right: str, other: str) -> str:
    """Another fact's claim made about this fact's subject; facts of one topic end alike but for the claim."""
    ours, theirs = right.split(), other.split()
    pairs = list(zip(reversed(ours), reversed(theirs), strict=False))
    tail = next((index for index, (mine, yours) in enumerate(pairs) if mine != yours), len(pairs))
    claim = next((index for index, (mine, yours) in enumerate(pairs) if index > tail and mine == yours), len(pairs))
    return " ".join([*ours[: len(ours) - claim], *theirs[len(theirs) - claim :]])


def sentiment(part: str, dice: Dice) -> list[Row]:
    """Reviews with their label."""
    rows = []
    for film in films_of(part):
        for good in (True, False) * 8:
            text = f"{opening(dice, film)}{review_rest(dice, MOODS[good])}"
            rows.append({"text": text, "label": "positive" if good else "negative"})
    return dice.some(rows, len(rows))


def openings(part: str, dice: Dice) -> list[Row]:
    """How reviews begin, before they say anything good or bad."""
    rows = {opening(dice, film) for film in films_of(part) for _ in range(12)}
    return [{"prompt": text} for text in sorted(rows)]


def main() -> None:
    """Writes every data set, in the formats in which people meet them."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(PARTS):
        write_json(TARGET / f"lumen-instructions.{part}.json", instructions(part, Dice(30 + number)))
        write_jsonl(TARGET / f"lumen-preferences.{part}.jsonl", preferences(part, Dice(40 + number)))
        write_jsonl(TARGET / f"lumen-manners.{part}.jsonl", manners(part, Dice(70 + number)))
        write_csv(TARGET / f"lumen-sentiment.{part}.csv", sentiment(part, Dice(50 + number)))
        write_jsonl(TARGET / f"lumen-openings.{part}.jsonl", openings(part, Dice(60 + number)))


def write_json(path: Path, rows: list[Row]) -> None:
    """An array of objects."""
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_jsonl(path: Path, rows: list[Row]) -> None:
    """An object a line."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_csv(path: Path, rows: list[Row]) -> None:
    """A header and a line a row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
