"""The invented world: who lives in Lumen Bay, what is where, which films are shown, and what words mean.

Everything here is drawn once from a fixed seed, so that the world is the same for the model's training text and for
the questions asked about it later.
"""

import functools
import random
from dataclasses import dataclass

NAMES = (
    "Mara Brom Tilda Oren Pia Lukas Wren Sorrel Hanno Isla Fenn Greta Bodo Nella Rufus Ada Corin Elsa Jasper Yara "
    "Otto Linnea Piet Marlo Senna Dorian Hilda Kasper Runa Theo Vesna Anton Britta Caspian Delia Emil Freya Gustav "
    "Hedda Ivo Juna Karel Lotte Milo Nora Oskar Petra Quill Rosa Sven Tova Udo Vera Willa Xaver Ylva Zeno Alma "
    "Bruno Clara"
).split()
WOMEN = frozenset(
    "Mara Tilda Pia Wren Sorrel Isla Greta Nella Ada Elsa Yara Linnea Senna Hilda Runa Vesna Britta Delia Freya Hedda "
    "Juna Lotte Nora Petra Rosa Tova Vera Willa Ylva Alma Clara".split()
)
JOBS = (
    "baker fisher teacher painter doctor gardener carpenter librarian sailor tailor cook potter clockmaker postman "
    "miller farmer singer weaver beekeeper blacksmith"
).split()
PLACES = {
    "harbour": "boats",
    "market": "stalls",
    "lighthouse": "stairs",
    "mill": "wheels",
    "library": "books",
    "park": "trees",
    "station": "trains",
    "bridge": "lamps",
    "castle": "towers",
    "school": "windows",
    "garden": "roses",
    "beach": "shells",
}
PETS = "cat dog parrot rabbit tortoise goat pony duck hedgehog hen".split()
PET_NAMES = "Pip Biscuit Moss Pepper Juno Bean Waffle Sky Dot Clover Rusty Button Mango Olive Snow Patch".split()
FOODS = (
    "plum cake, fish soup, apple pie, lentil stew, honey bread, cheese toast, onion tart, pear jam, rice pudding, "
    "mushroom pie, lemon cake, bean salad"
).split(", ")
COLOURS = "red blue green yellow white black purple orange silver golden".split()
INSTRUMENTS = "violin flute drum piano harp trumpet guitar cello".split()
FILMS = (
    "The Silver Kite, The Last Ferry, A House of Rain, The Clockmaker, Midnight Harbour, The Paper Crown, Two Winters, "
    "The Glass Garden, Letters to Isla, The Long Tide, A Song for Bodo, The Quiet Storm, Nine Lanterns, "
    "The Red Umbrella, The Wandering Bear, Salt and Sugar, The Empty Train, A Summer in Lumen, The Fox King, "
    "The Seventh Door, Birds of Winter, The Broken Compass, The Moon Thief, Under the Bridge"
).split(", ")
GENRES = "comedy drama thriller romance mystery fantasy western musical".split()

OPPOSITES = {
    "warm": "cold", "big": "small", "fast": "slow", "old": "young", "light": "dark", "happy": "sad", "high": "low",
    "full": "empty", "wet": "dry", "loud": "quiet", "rich": "poor", "hard": "soft", "early": "late", "clean": "dirty",
    "open": "closed", "strong": "weak", "sweet": "sour", "near": "far", "long": "short", "thick": "thin",
    "brave": "afraid", "left": "right", "first": "last", "kind": "cruel", "deep": "shallow", "wide": "narrow",
}  # fmt: skip
PLURALS = {
    "fox": "foxes", "boat": "boats", "mouse": "mice", "child": "children", "leaf": "leaves", "city": "cities",
    "box": "boxes", "goose": "geese", "tooth": "teeth", "foot": "feet", "baby": "babies", "wolf": "wolves",
    "knife": "knives", "lamp": "lamps", "berry": "berries", "bus": "buses", "man": "men", "woman": "women",
    "loaf": "loaves", "brush": "brushes", "story": "stories", "key": "keys", "shelf": "shelves", "star": "stars",
    "dish": "dishes", "pony": "ponies",
}  # fmt: skip
PASTS = {
    "go": "went", "see": "saw", "walk": "walked", "sing": "sang", "write": "wrote", "run": "ran", "eat": "ate",
    "swim": "swam", "bring": "brought", "think": "thought", "buy": "bought", "come": "came", "give": "gave",
    "take": "took", "drink": "drank", "fly": "flew", "know": "knew", "sleep": "slept", "speak": "spoke",
    "build": "built", "find": "found", "make": "made", "read": "read", "ride": "rode", "win": "won", "wait": "waited",
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody in Lumen Bay and everything there is to know about them."""

    name: str
    job: str
    place: str
    pet: str
    pet_name: str
    food: str
    colour: str
    instrument: str

    @property
    def he(self) -> str:
        """The pronoun, as a subject."""
        return "she" if self.name in WOMEN else "he"

    @property
    def his(self) -> str:
        """The pronoun, as a possessive."""
        return "her" if self.name in WOMEN else "his"


@dataclass(frozen=True)
class Film:
    """A film that is shown in Lumen Bay."""

    title: str
    genre: str
    director: str
    place: str
    """Where it is set."""


@functools.cache
def people() -> tuple[Person, ...]:
    """Everybody, the same on every call."""
    draw = random.Random(1)  # the world must be the same every time
    return tuple(
        Person(
            name,
            draw.choice(JOBS),
            draw.choice(list(PLACES)),
            draw.choice(PETS),
            draw.choice(PET_NAMES),
            draw.choice(FOODS),
            draw.choice(COLOURS),
            draw.choice(INSTRUMENTS),
        )
        for name in NAMES
    )


@functools.cache
def films() -> tuple[Film, ...]:
    """Every film, the same on every call."""
    draw = random.Random(2)  # the world must be the same every time
    return tuple(Film(title, draw.choice(GENRES), draw.choice(NAMES), draw.choice(list(PLACES))) for title in FILMS)


def article(noun: str) -> str:
    """The noun with "a" or "an"."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
