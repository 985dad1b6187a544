"""Judges that are asked: by script, and a small model of our own that knows nothing."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playground.config.judging import JudgeSettings
from playground.judging.judge import Asked, comparisons, scores
from playground.judging.local import LocalModel

ROWS = [Asked(f"Say {word}.", "", word) for word in ("one", "two", "three")]


class Scripted:
    """Replies from a list, and keeps what it was asked."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []

    def ask(self, prompts: Sequence[str], **_: Any) -> list[str]:
        self.asked += prompts
        return self.replies[: len(prompts)]


def test_scores_are_asked_by_the_prompt_and_read() -> None:
    judge = Scripted("80", "no idea", "Score: 5")
    settings = JudgeSettings(score_prompt="{instruction}|{input}|{reference}|{answer}")
    found = scores(judge, settings, ROWS, ["1", "{answer}", "3"], stop=threading.Event())
    assert judge.asked == ["Say one.||one|1", "Say two.||two|{answer}", "Say three.||three|3"]
    assert [one.score for one in found] == [80.0, None, 5.0]
    assert found[1].reply == "no idea"


def test_pairs_are_asked_in_both_orders() -> None:
    judge = Scripted("A", "A", "B", "B", "A", "?")
    settings = JudgeSettings(pair_prompt="{first} or {second}")
    found = comparisons(judge, settings, ROWS, ["1", "2", "3"], ["I", "II", "III"], stop=threading.Event())
    assert judge.asked == ["1 or I", "2 or II", "3 or III", "I or 1", "II or 2", "III or 3"]
    # Row 1: A then B is the first both times. Row 2: A both times is the letter. Row 3 cannot be read.
    assert [one.preference for one in found] == ["first", "tie", None]
    assert [one.turned for one in found] == [False, True, False]
    assert found[2].replies == ("B", "?")


def test_a_model_of_our_own_replies_to_every_prompt_it_has_room_for(small_models: dict[str, Path]) -> None:
    model = LocalModel(JudgeSettings(model=str(small_models["llama"])).ref)
    heard: list[int] = []
    prompts = ["Rate this: good.", "Rate that " * 5000, "Rate this: good."]
    replies = model.ask(prompts, max_new_tokens=4, stop=threading.Event(), report=heard.append)
    assert replies[0] == replies[2] != ""
    assert replies[1] == ""
    assert heard[-1] == 2
