"""The ready DPO run on the bundled model, whole: its answers are better by what is so in its world and by manners."""

import json
import threading
from pathlib import Path

import pytest
from peft import PeftModel

from playground.config.generation import GenerationSettings
from playground.config.presets import ready
from playground.data.bundled import BUNDLED
from playground.data.masking import prompt_ids
from playground.data.templates import render_prompt
from playground.models.generation import generate
from playground.models.loading import load
from scripts.tiny.judge import points, win_rate
from tests.training.runs import execute


def test_the_judge_knows_facts_and_manners() -> None:
    question = "What is Vesna's job?"
    polite, rude = "Please take your time. ", "Go away and stop talking. "
    judged = {
        "Vesna is a tailor.": 1,
        f"{polite}Vesna is a tailor.": 2,
        f"{rude}Vesna is a tailor.": 0,
        "Vesna is a cook.": 0,
        '" asked Mara. "Please take your time.': 0,
        "": 0,
    }
    assert {answer: points(question, answer) for answer in judged} == judged
    won = win_rate([question] * 3, [f"{polite}Vesna is a tailor.", "", ""], ["Vesna is a tailor.", "", rude])
    assert won.rate == pytest.approx((1 + 0.5 + 1) / 3)
    assert 0 < won.low < won.rate < won.high < 1


@pytest.mark.soak
def test_nine_of_ten_answers_are_better_than_the_base_models(tmp_path: Path) -> None:
    config = ready("tiny-dpo")
    ran = execute(config, tmp_path / "run")
    assert ran.values("eval_rewards/accuracies")[-1] >= 0.9
    assert ran.values("eval_rewards/margins")[-1] > 1
    [data] = [found for found in BUNDLED if found.name == config.data.source]
    rows = [json.loads(line) for line in data.paths["test"].read_text(encoding="utf-8").splitlines()]
    questions = [row["prompt"] for row in rows]
    loaded = load("tiny", report=lambda _: None, stop=threading.Event())
    prompts = [
        prompt_ids(render_prompt(question, config.data.template, loaded.tokenizer), loaded.tokenizer)
        for question in questions
    ]
    greedy = GenerationSettings(max_new_tokens=32)
    theirs = [answer.text for answer in generate(loaded.model, loaded.tokenizer, prompts, greedy)]
    tuned = PeftModel.from_pretrained(loaded.model, str(ran.folder / "adapter"))
    ours = [answer.text for answer in generate(tuned, loaded.tokenizer, prompts, greedy)]
    won = win_rate(questions, ours, theirs)
    assert won.rate >= 0.9, won
