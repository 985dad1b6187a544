"""What can be asked about the world, and the one sentence that answers it; shared by training text and data sets."""

import functools
from dataclasses import dataclass

from scripts.tiny.world import (
    OPPOSITES,
    PASTS,
    PLACES,
    PLURALS,
    Film,
    Person,
    article,
    films,
    people,
)


@dataclass(frozen=True)
class Fact:
    """One thing that is so."""

    topic: str
    """What kind of fact, such as `job`."""
    questions: tuple[str, ...]
    """Ways to ask for it."""
    sentence: str
    """The answer, as a whole sentence."""


@functools.cache
def all_facts() -> tuple[Fact, ...]:
    """Everything that is so in this world."""
    known = [fact for person in people() for fact in person_facts(person)]
    known += [fact for film in films() for fact in film_facts(film)]
    return (*known, *place_facts(), *word_facts())


def person_facts(person: Person) -> tuple[Fact, ...]:
    """What is known of somebody."""
    name = person.name
    return (
        Fact(
            "job", (f"What does {name} do for a living?", f"What is {name}'s job?"), f"{name} is {article(person.job)}."
        ),
        Fact(
            "home",
            (f"Where does {name} live?", f"Tell me where {name} lives."),
            f"{name} lives near the {person.place}.",
        ),
        Fact(
            "pet",
            (f"Which animal does {name} have?", f"What pet does {name} keep?"),
            f"{name} has {article(person.pet)} called {person.pet_name}.",
        ),
        Fact(
            "food",
            (f"What does {name} like to eat?", f"What is {name}'s favourite food?"),
            f"{name} likes {person.food} best of all.",
        ),
        Fact(
            "colour",
            (f"What colour is {name}'s coat?", f"Tell me the colour of {name}'s coat."),
            f"The coat of {name} is {person.colour}.",
        ),
        Fact(
            "music",
            (f"Which instrument does {name} play?", f"What can {name} play?"),
            f"{name} plays the {person.instrument} in the evening.",
        ),
    )


def film_facts(film: Film) -> tuple[Fact, ...]:
    """What is known of a film."""
    title = film.title
    return (
        Fact(
            "genre",
            (f"What kind of film is {title}?", f"Name the genre of {title}."),
            f"{title} is {article(film.genre)}.",
        ),
        Fact(
            "director",
            (f"Who made the film {title}?", f"Name the director of {title}."),
            f"{title} was made by {film.director}.",
        ),
        Fact(
            "setting",
            (f"Where is {title} set?", f"In which place does {title} happen?"),
            f"{title} is set at the {film.place} of Lumen Bay.",
        ),
    )


def place_facts() -> tuple[Fact, ...]:
    """What is known of the places in town."""
    return tuple(
        Fact(
            "place",
            (f"What can you see at the {place}?", f"What is the {place} known for?"),
            f"The {place} is known for its {sight}.",
        )
        for place, sight in PLACES.items()
    )


def word_facts() -> tuple[Fact, ...]:
    """What is known of words."""
    opposites = [
        Fact(
            "opposite",
            (f"What is the opposite of {word}?", f"Give the opposite of the word {word}."),
            f"The opposite of {word} is {other}.",
        )
        for pair in OPPOSITES.items()
        for word, other in (pair, pair[::-1])
    ]
    plurals = [
        Fact(
            "plural",
            (f"What is the plural of {one}?", f"Write the plural of {one}."),
            f"The plural of {one} is {many}.",
        )
        for one, many in PLURALS.items()
    ]
    pasts = [
        Fact(
            "past",
            (f"What is the past of {now}?", f"Put the word {now} into the past."),
            f"The past of {now} is {then}.",
        )
        for now, then in PASTS.items()
    ]
    return (*opposites, *plurals, *pasts)
