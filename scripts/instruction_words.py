"""The words and forms that make_instructions.py builds its tasks from; our own lists."""

OPPOSITES = """hot cold, big small, early late, open closed, full empty, strong weak, light dark, wet dry, high low,
rich poor, young old, easy difficult, fast slow, loud quiet, clean dirty, happy sad, inside outside, always never,
begin end, buy sell, push pull, win lose, arrive depart, remember forget, accept refuse, east west, above below,
generous stingy, brave cowardly, ancient modern, smooth rough, sharp blunt, wide narrow, thick thin, deep shallow,
polite rude, safe dangerous, noisy silent, guilty innocent, temporary permanent, increase decrease, expand shrink,
friend enemy, victory defeat, question answer, summer winter"""
SYNONYMS = """quick fast, glad happy, large big, tiny small, smart clever, start begin, finish end, speak talk,
shut close, silent quiet, angry furious, tired weary, rich wealthy, brave courageous, simple easy, hard difficult,
correct right, wrong mistaken, gift present, jump leap, look glance, laugh giggle, cry weep, choose select, fix repair,
help assist, buy purchase, build construct, hide conceal, shout yell, odd strange, famous renowned, calm peaceful,
funny amusing, pretty beautiful, ill sick, trip journey, error mistake, road street, error fault, house home,
stone rock, ocean sea, reply answer, garbage trash"""
PLURALS = """child children, mouse mice, foot feet, tooth teeth, goose geese, man men, woman women, ox oxen,
leaf leaves, knife knives, wolf wolves, shelf shelves, life lives, loaf loaves, city cities, story stories, baby babies,
berry berries, country countries, box boxes, dish dishes, bus buses, church churches, glass glasses, potato potatoes,
tomato tomatoes, hero heroes, echo echoes, cactus cacti, crisis crises, sheep sheep, fish fish, deer deer, book books,
river rivers, window windows, key keys, toy toys, monkey monkeys, piano pianos, roof roofs, lamp lamps, thief thieves,
fox foxes, watch watches"""
PAST = """go went, see saw, eat ate, drink drank, write wrote, speak spoke, take took, give gave, come came, run ran,
begin began, break broke, bring brought, buy bought, catch caught, teach taught, think thought, build built,
choose chose, drive drove, fall fell, feel felt, find found, fly flew, forget forgot, grow grew, hear heard, hold held,
keep kept, know knew, leave left, lose lost, make made, meet met, pay paid, ride rode, ring rang, sell sold,
send sent, sing sang, sit sat, sleep slept, swim swam, throw threw, wear wore, walk walked, stop stopped"""
ACRONYMS = """as soon as possible, frequently asked questions, do it yourself, best of luck, be right back,
estimated time of arrival, for your information, in my opinion, to be announced, end of day, out of office,
portable document format, random access memory, central processing unit, graphics processing unit,
universal serial bus, local area network, light emitting diode, global positioning system, chief executive officer,
gross domestic product, unidentified flying object, automated teller machine, personal identification number,
most valuable player, science fiction club, public address system, body mass index, close of business,
point of view, return on investment, standard operating procedure, young readers library, green valley school,
northern lights observatory, river cleaning team, village health center, free bread day, old town museum,
music teachers union, winter sports league, small animal hospital"""
CATEGORIES = {
    "bird": "sparrow eagle parrot robin",
    "fruit": "banana pear peach cherry",
    "vegetable": "carrot cabbage radish spinach",
    "tool": "hammer saw wrench screwdriver",
    "fish": "salmon trout tuna herring",
    "insect": "beetle butterfly mosquito grasshopper",
    "musical instrument": "violin flute trumpet drum",
    "vehicle": "truck bicycle tram van",
    "tree": "birch pine willow maple",
    "metal": "copper silver iron zinc",
    "flower": "rose tulip daisy lily",
    "game": "chess hide-and-seek dominoes tag",
}
UNCOUNTED = {"copper", "silver", "iron", "zinc", "spinach", "chess", "hide-and-seek", "dominoes", "tag"}
NOUNS = """apple bread chair desk engine forest garden hat island jacket kite lemon mirror needle orange pencil queen
ribbon spoon table umbrella vase wagon yard zebra bridge candle door feather guitar hammer ink jar kettle lamp map
nest owl pillow quilt rope shell train valley window""".split()
UNITS = (
    ("kilometers", "meters", 1000),
    ("meters", "centimeters", 100),
    ("kilograms", "grams", 1000),
    ("hours", "minutes", 60),
    ("minutes", "seconds", 60),
    ("days", "hours", 24),
    ("weeks", "days", 7),
    ("feet", "inches", 12),
    ("liters", "milliliters", 1000),
    ("dozens", "pieces", 12),
)
BLANKS = """The sun rises in the [east]. A week has seven [days]. Bees make [honey]. Ice is frozen [water].
We see with our [eyes]. We hear with our [ears]. Cows give us [milk]. A triangle has three [sides].
The opposite of left is [right]. Snow is [white]. Fish live in [water]. A spider has eight [legs].
At night we can see the moon and the [stars]. The month after March is [April]. The day before Friday is [Thursday].
A baby dog is called a [puppy]. A baby cat is called a [kitten]. A doctor works in a [hospital].
A teacher works in a [school]. Bread is baked in an [oven]. We cut paper with [scissors]. Birds lay [eggs].
The color of grass is [green]. A year has twelve [months]. The first month of the year is [January].
Trees grow from [seeds]. We write on the board with [chalk]. An umbrella keeps us dry in the [rain].
A pilot flies an [airplane]. Rain falls from the [clouds]. We brush our teeth with a [toothbrush].
A hand has five [fingers]. Lemons taste [sour]. Sugar tastes [sweet]. Fire is [hot]. We borrow books from a [library].
The capital of France is [Paris]. The capital of Japan is [Tokyo]. The heart pumps [blood]. Camels live in the [desert].
Penguins cannot [fly]. An hour has sixty [minutes]. Wool comes from [sheep]. The season after winter is [spring]."""

SINGULAR = (
    "the cook, my sister, the teacher, a farmer, our neighbor, the young artist, his uncle, the old sailor".split(", ")
)
PLURAL = "the children, our friends, the students, two workers, my parents, the visitors".split(", ")
VERBS = """wash washes washed washed: the dishes|the car|the windows
open opens opened opened: the door|the letters|the box
paint paints painted painted: the fence|the walls|a picture
carry carries carried carried: the baskets|the ladder|the chairs
write writes wrote written: a letter|two poems|the report
build builds built built: a bridge|the shelves|a small house
read reads read read: the newspaper|old stories|the map
cook cooks cooked cooked: the soup|the vegetables|a large meal
repair repairs repaired repaired: the roof|the bicycles|the clock
plant plants planted planted: the roses|an apple tree|the seeds
clean cleans cleaned cleaned: the kitchen|the tables|the floor
choose chooses chose chosen: the colors|a song|the winner"""
TIMES = "in the morning, after lunch, on Monday, before the storm, with great care, every summer".split(", ")

ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen""".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
