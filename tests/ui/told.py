"""Sentences and what they are in another language, for the server's and the page's way of finding it alike."""

CATALOGUE = {
    "There is no run {0}.": "{0} 없음.",
    "There is no run {0}; known are {1}.": "{1} 가운데 {0} 없음.",
    "{0} must be {1}; got {2}.": "{0}: {1}. 값: {2}.",
    "{0} must be one of {1}; got {2}.": "{0}: {1} 중 하나. 값: {2}.",
    "a whole number": "정수",
    "Term {0}: {1}": "항 {0}: {1}",
    "it must be an object; got {0}.": "객체여야 함. 값: {0}.",
    "None of the {0} rows of {1} can be used. {2}": "{1}의 {0}행을 쓸 수 없음. {2}",
    "{0} × (first: row {1}): {2}": "{0}번({1}행부터): {2}",
    "Column {0} is empty.": "{0} 열이 빔.",
    "You have {0} jobs waiting.": "작업 {0}개.",
    'The braces of {{0}} hold {"a": {1}}.': '{{0}} 안: {"a": {1}}.',
    "Nothing is open.": "열린 것 없음.",
}

CASES = [
    # Whole sentences, and places in another order.
    ("Nothing is open.", "열린 것 없음."),
    ("There is no run x.", "x 없음."),
    ("There is no run x; known are a, b.", "a, b 가운데 x 없음."),
    # The template with most text of its own, and words within a place.
    ("n must be one of a, b; got 3.", "n: a, b 중 하나. 값: 3."),
    ("n must be a whole number; got 'x'.", "n: 정수. 값: 'x'."),
    ("n must be something new; got 'x'.", "n: something new. 값: 'x'."),
    # Sentences within sentences, in a row, and in lines.
    ("Term 2: it must be an object; got 3.", "항 2: 객체여야 함. 값: 3."),
    ("Nothing is open. Column a is empty.", "열린 것 없음. a 열이 빔."),
    ("Nothing is open.\nn must be one of a; got 3.", "열린 것 없음.\nn: a 중 하나. 값: 3."),
    (
        "None of the 9 rows of f can be used. 2 × (first: row 0): Column a is empty. 1 × (first: row 2): Term 1: none",
        "f의 9행을 쓸 수 없음. 2번(0행부터): a 열이 빔. 1번(2행부터): 항 1: none",
    ),
    ("config.json\nNothing is open.", "config.json\n열린 것 없음."),
    # What somebody wrote stays as it is, whatever it looks like.
    ("There is no run a\nb. c; d.", "a\nb. c; d 없음."),
    ("There is no run {0}{1}.", "{0}{1} 없음."),
    ("There is no run .", " 없음."),
    ('The braces of {x} hold {"a": 1}.', '{x} 안: {"a": 1}.'),
    ("n must be a whole number; got '; got ; got '.", "n: 정수. 값: '; got ; got '."),
    # What is not known stays English.
    ("There is no run", "There is no run"),
    ("Column is empty.", "Column is empty."),
    ("Something else.", "Something else."),
    ("", ""),
]

HOSTILE = [
    "There is no run " + "a. b\n" * 20_000 + ".",
    "a. " * 30_000,
    "a\n" * 50_000,
    " must be " * 10_000 + "; got " * 10_000,
    ("Term 1: " * 30 + ". ") * 29,
]
"""Texts that would take a careless matcher hours."""
