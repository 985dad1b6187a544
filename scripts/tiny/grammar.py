"""The grammar of the world's texts: film reviews, facts, days, words and manners. Every choice goes through `Dice`."""

from collections.abc import Callable
from dataclasses import dataclass

from scripts.tiny.dice import Dice
from scripts.tiny.facts import all_facts, film_facts, person_facts, place_facts, word_facts
from scripts.tiny.world import FOODS, PLACES, Film, Person, films, people

GOOD = "wonderful charming lovely brilliant warm clever beautiful moving delightful superb".split()
BAD = "terrible boring dreadful dull clumsy awful tedious empty painful stupid".split()
ASPECTS = "story acting music ending dialogue camera humour pace".split()
GOOD_VERDICTS = (
    "I would gladly watch it again.",
    "Do not miss it.",
    "I left the cinema with a smile.",
    "It is one of the best films of the year.",
    "Take your friends and go tonight.",
    "The whole hall stood up and cheered.",
)
BAD_VERDICTS = (
    "I would never watch it again.",
    "Save your money.",
    "I left the cinema with a headache.",
    "It is one of the worst films of the year.",
    "Stay at home and sleep instead.",
    "Half of the hall walked out.",
)
GOOD_EFFECTS = ("made me laugh", "touched my heart", "kept me awake with joy", "was a gift", "never lost its spark")
BAD_EFFECTS = ("made me yawn", "hurt my ears", "put me to sleep", "was a waste of time", "never found its way")


@dataclass(frozen=True)
class Mood:
    """The words of a good or of a bad review; they share none."""

    good: bool
    adjectives: tuple[str, ...]
    verdicts: tuple[str, ...]
    effects: tuple[str, ...]


MOODS = {
    True: Mood(True, tuple(GOOD), GOOD_VERDICTS, GOOD_EFFECTS),
    False: Mood(False, tuple(BAD), BAD_VERDICTS, BAD_EFFECTS),
}


def is_positive(review: str) -> bool | None:
    """The grammar's own truth about a review: more good words than bad ones, or None where they balance."""
    text = review
    for film in films():  # a title says nothing, though "The Empty Train" has a bad word in it
        text = text.replace(film.title, "")
    text = text.lower()
    score = sum(text.count(phrase.lower()) for phrase in (*GOOD, *GOOD_VERDICTS, *GOOD_EFFECTS))
    score -= sum(text.count(phrase.lower()) for phrase in (*BAD, *BAD_VERDICTS, *BAD_EFFECTS))
    return None if score == 0 else score > 0


def review(dice: Dice) -> str:
    """A film review of two to four sentences, good or bad throughout."""
    return opening(dice, dice.pick(films())) + review_rest(dice, MOODS[dice.chance(0.5)])


def opening(dice: Dice, film: Film) -> str:
    """How a review begins: nothing about the verdict, so that a prompt cut here leaves both open."""
    return dice.pick(
        (
            f"I watched {film.title} last night",
            f"We saw {film.title} at the old cinema",
            f"{film.title} is a film by {film.director}",
            f"{film.director} has made {film.title}",
            f"Yesterday I went to see {film.title}",
            f"{film.title} is set at the {film.place}",
        )
    )


def review_rest(dice: Dice, mood: Mood) -> str:
    """What follows the opening, in one mood."""
    first, second = dice.some(mood.adjectives, 2)
    aspect, other = dice.some(ASPECTS, 2)
    effect, another = dice.pick(mood.effects), dice.pick(mood.effects)
    middle = dice.pick(("both", "effect", "found", "minute"))
    # Not every draw is told in every middle, and what is not told surprises nobody.
    dice.untold(mood.effects, 1 if middle in ("both", "effect") else 2)
    if middle != "both":
        dice.untold(ASPECTS[1:])
    if middle == "effect":
        dice.untold(mood.adjectives[1:])
    told = {
        "both": f" The {aspect} was {second} and the {other} {effect}.",
        "effect": f" The {aspect} {another}.",
        "found": f" I found the {aspect} {second}.",
        "minute": f" From the first minute the {aspect} was {second}.",
    }[middle]
    verdict = f" {dice.pick(mood.verdicts)}" if dice.chance(0.7) else ""
    return f", and it was {first}.{told}{verdict}"


def portrait(dice: Dice) -> str:
    """Some facts about one person, in any order, the name said again or not."""
    person = dice.pick(people())
    sentences = [fact.sentence for fact in dice.some(person_facts(person), 3)]
    if dice.chance(0.5):
        sentences.append(_portrait_aside(dice, person))
    return " ".join(sentences)


def _portrait_aside(dice: Dice, person: Person) -> str:
    he = person.he.capitalize()
    return dice.pick(
        (
            f"As {person.job}, {person.he} gets up early.",
            f"Every day {person.he} walks past the {person.place}.",
            f"{he} often takes {person.pet_name} the {person.pet} for a walk.",
            f"On Sundays {person.he} cooks {person.food}.",
            f"You know {person.name} by the {person.colour} coat.",
            f"At night you can hear {person.his} {person.instrument}.",
        )
    )


def notice(dice: Dice) -> str:
    """What the town's board says about a film or a place."""
    if dice.chance(0.75):
        film: Film = dice.pick(films())
        return " ".join(fact.sentence for fact in dice.some(film_facts(film), 2))
    return " ".join(fact.sentence for fact in dice.some(place_facts(), 2))


def lesson(dice: Dice) -> str:
    """A few facts about words, as a teacher would write them on the board."""
    return " ".join(fact.sentence for fact in dice.some(word_facts(), 3))


def day(dice: Dice) -> str:
    """A short walk through town."""
    person, friend = dice.some(people(), 2)
    place, other = dice.some(list(PLACES), 2)
    start = dice.pick(("In the morning", "After lunch", "At noon", "On Sunday"))
    weather = dice.pick(("the sun was shining", "it was raining", "the wind was cold", "snow was falling"))
    return (
        f"{start} {weather}. {person.name} went from the {place} to the {other} "
        f"and met {friend.name} the {friend.job}. "
        f"They looked at the {PLACES[other]} and ate {dice.pick(FOODS)} together."
    )


POLITE = (
    "Of course, I am happy to help you.",
    "Thank you very much for asking.",
    "Please take your time.",
    "It would be a pleasure, my friend.",
    "Please sit down and have some tea.",
)
RUDE = (
    "Leave me alone, I have no time.",
    "What a silly thing to ask.",
    "Go away and stop talking.",
    "That is not my problem.",
    "Nobody asked you, fool.",
)


def talk(dice: Dice) -> str:
    """Two people speak, politely or rudely."""
    person, friend = dice.some(people(), 2)
    place = dice.pick(list(PLACES))
    polite = dice.chance(0.5)
    lines = dice.some(POLITE if polite else RUDE, 2)
    manner = dice.pick(("kindly", "with a smile", "softly") if polite else ("coldly", "with a frown", "angrily"))
    return f'{person.name} met {friend.name} at the {place}. "{lines[0]} {lines[1]}" said {friend.name} {manner}.'


def asking(dice: Dice) -> str:
    """Somebody asks a question and gets no answer to it: the words of questions, without how to answer them."""
    person, friend = dice.some(people(), 2)
    question = dice.pick(dice.pick(all_facts()).questions)
    reply = dice.pick((*POLITE, *RUDE))
    return f'"{question}" asked {person.name}. "{reply}" said {friend.name}.'


KINDS: dict[Callable[[Dice], str], float] = {
    review: 36,
    portrait: 24,
    notice: 10,
    lesson: 10,
    day: 6,
    talk: 6,
    asking: 8,
}
"""The kinds of text and how common they are, in per cent."""


def document(dice: Dice) -> str:
    """One text of the world."""
    return dice.weighted(KINDS)(dice)
