"""The Data tab in a real browser: from a file to the tokens that a run learns."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import serious_violations
from tests.browser.conftest import VIEWS, Opener, Server, Witness
from tests.browser.test_shell import HOST, PARTICIPANT, SETTLED, call, open_tab, workshop

__all__ = ["workshop"]

pytestmark = [pytest.mark.browser, pytest.mark.real]

HOSTILE = "<img src=x onerror=\"document.title='taken'\"> ${document.title='taken'} {{value}}"


@pytest.fixture
def page(open_page: Opener, server: Server) -> Page:
    server.wait_for("ready")
    found = open_page()
    open_tab(found, "data")
    return found


def open_bundled(page: Page, title: str) -> None:
    page.locator("#data-view").get_by_role("button", name=title).click()
    expect(page.locator("#data-view h3").first).to_have_text(title)
    expect(page.locator("#data-row .pda-trained")).to_be_visible()


def upload(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("#data-upload").click()
    chooser.value.set_files(path)


def choose(page: Page, field: str, option: str) -> None:
    page.locator(f"{field} input").click()
    page.get_by_role("option", name=option).click()


def fact(page: Page, name: str) -> Any:
    return page.locator(f"[data-fact={name}]")


def write_odd(folder: Path) -> Path:
    path = folder / "odd.csv"
    rows = "".join(f"What is {n}?,{n},note\n" for n in range(40))
    path.write_text(f"ask,reply,more\n{rows}Nothing?,,\n", encoding="utf-8")
    return path


def test_a_bundled_set_shows_what_is_learnt_token_by_token(page: Page) -> None:
    open_bundled(page, "Instructions (bundled, English)")
    expect(fact(page, "rows")).to_have_text("600")
    expect(fact(page, "split")).to_have_text("510 / 60 / 30")
    expect(fact(page, "doubles")).to_have_text(re.compile(r"^\d"))
    expect(page.locator("#data-token-counts")).to_have_text(
        "55 tokens of SmolLM2 135M Instruct · 17 in the loss · 0 cut off"
    )
    tokens = page.locator(".pda-tokens .pda-token")
    expect(tokens).to_have_count(55)
    expect(page.locator(".pda-tokens .pda-learnt")).to_have_count(17)
    expect(tokens.nth(1)).to_have_text("·is")
    expect(tokens.last).to_have_text("<|im_end|>")
    expect(tokens.last).to_have_class(re.compile("pda-learnt.*pda-special"))
    expect(page.locator(".pda-text mark")).to_have_text(
        "The number 359 in words is three hundred and fifty-nine.<|im_end|>"
    )
    assert page.locator(".pda-tokens").inner_text().splitlines()[1:4] == [
        "⏎",
        "###·Instruction:⏎",
        "Write·359·in·words.⏎",
    ]
    tokens.last.hover()
    expect(page.locator(".pda-token-fact")).to_have_text(
        re.compile(r"token 55 of 55.*id 2.*special token.*in the loss")
    )
    tokens.first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".pda-token-fact")).to_contain_text("token 2 of 55")
    expect(tokens.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(tokens.last).to_be_focused()


def test_the_maximum_length_marks_where_rows_are_cut(page: Page) -> None:
    open_bundled(page, "Instructions (bundled, English)")
    expect(fact(page, "truncated")).to_have_text("0 (0 %)")
    page.locator("#data-training-max-length input").fill("50")
    expect(page.locator(".pda-cut-mark")).to_have_text("✂ cut here: 50 tokens")
    expect(page.locator(".pda-tokens .pda-cut")).to_have_count(5)
    expect(page.locator(".pda-warning").first).to_contain_text("end-of-sequence")
    expect(page.locator("#data-lengths .pp-panel")).to_have_attribute("data-drawn", "50")
    expect(fact(page, "truncated")).not_to_have_text("0 (0 %)")
    expect(fact(page, "ends_lost")).not_to_have_text("0 (0 %)")
    choose(page, "#data-sft-loss-on", "prompt and response")
    expect(page.locator("#data-token-counts")).to_contain_text("49 in the loss")


def test_rows_are_paged_searched_and_used_as_prompts(page: Page) -> None:
    open_bundled(page, "Instructions (bundled, English)")
    number = page.locator("#data-row-number")
    expect(page.locator("#data-row-back")).to_be_disabled()
    page.locator("#data-row-next").click()
    expect(number).to_have_value("2")
    page.locator("#data-part-test").click()
    expect(page.locator("#data-row .pp-panel")).to_have_attribute("data-row", "test 0")
    number.fill("60")
    number.press("Enter")
    expect(page.locator("#data-row .pp-panel")).to_have_attribute("data-row", "test 59")
    expect(page.locator("#data-row-next")).to_be_disabled()
    page.locator("#data-row-search").fill("no row has these words")
    expect(page.locator(".pda-message")).to_contain_text("60 rows of this part were looked at")
    page.locator("#data-part-train").click()
    question = page.locator(".pda-fields dd").first
    expect(question).to_have_text("Write 359 in words.")
    page.locator("#data-prompt-distribution").click()
    expect(page.locator("#distribution-prompt textarea")).to_have_value("Write 359 in words.")
    open_tab(page, "data")
    page.locator("#data-prompt-compare").click()
    expect(page.locator("#compare-prompt textarea")).to_have_value("Write 359 in words.")


def test_unknown_columns_are_mapped_by_hand_and_taken_to_train_and_back(page: Page, tmp_path: Path) -> None:
    upload(page, write_odd(tmp_path))
    expect(page.get_by_role("alert")).to_contain_text("'ask', 'reply', 'more'")
    use = page.locator("#data-mapping-use")
    expect(use).to_be_disabled()
    page.locator("#data-mapping-format").select_option("instruction")
    page.locator("#data-mapping-instruction").select_option("ask")
    page.locator("#data-mapping-output").select_option("reply")
    expect(page.locator(".pda-preview")).to_contain_text("40 of the first 41 rows can be used.")
    use.click()
    expect(page.locator(".pda-columns-found")).to_contain_text("instruction ← ask")
    expect(fact(page, "used")).to_have_text("40 (1 dropped)")
    page.locator("#data-part-dropped").click()
    expect(page.locator(".pda-reason")).to_have_text("Column 'reply' is empty.")
    page.locator("#data-part-train").click()
    choose(page, "#data-template", "Custom")
    template = page.locator("#data-data-custom-template textarea")
    template.fill("Q: {frage}\nA: {output}")
    expect(page.locator("#data-row").get_by_role("alert")).to_contain_text("known are {instruction}, {input}, {output}")
    template.fill("Q: {instruction}\nA: {output}")
    expect(page.locator(".pda-text")).to_have_text("Q: What is 0?\nA: 0<|im_end|>")
    page.locator("#data-train").click()
    expect(page.locator("#train-source input")).to_have_value("odd.csv")
    expect(page.locator("#train-data-custom-template textarea")).to_have_value("Q: {instruction}\nA: {output}")
    choose(page, "#train-data-template", "Phi-3")
    expect(page.locator("#train-data-custom-template")).to_be_hidden()
    page.locator("#train-data-look").click()
    expect(page.locator(".pda-text")).to_contain_text("<|user|>")
    expect(page.locator(".pda-columns-found")).to_contain_text("instruction ← ask")


def test_a_reload_brings_back_what_is_open(page: Page, witness: Witness) -> None:
    open_bundled(page, "Lumen: preferences (bundled)")
    choose(page, "#data-template", "Human / Assistant")
    expect(page.locator("#data-pair-prompt .pda-text")).to_contain_text("Human:")
    witness.reload(page)
    open_tab(page, "data")
    expect(page.locator("#data-pair-prompt .pda-text")).to_contain_text("Human:")
    expect(page.locator("#data-pair-chosen .pda-token.pda-learnt").first).to_be_visible()
    expect(page.locator("#data-source input")).to_have_value("Lumen: preferences (bundled)")


def test_data_stays_data(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "hostile.json"
    rows = [{"instruction": HOSTILE, "output": f"{HOSTILE} {n}", HOSTILE: "x"} for n in range(9)]
    path.write_text(json.dumps([*rows, {"instruction": 5, "output": HOSTILE}]), encoding="utf-8")
    upload(page, path)
    expect(page.locator(".pda-fields dd").first).to_have_text(HOSTILE)
    page.locator("#data-mapping-open").click()
    expect(page.locator(".pda-table")).to_contain_text(HOSTILE)
    page.locator("#data-part-dropped").click()
    expect(page.locator(".pda-reason")).to_be_visible()
    assert page.title() == "Post-training Playground"
    assert page.locator("#tab-data img").count() == 0


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.json", b"", "is empty"),
        ("broken.json", b'[{"instruction": ', "not valid JSON at line 1, column 18"),
        ("latin.csv", "instruction,output\nä,b\n".encode("latin-1"), "is not UTF-8 text: byte 0xE4 in line 2"),
        ("none.parquet", b"PAR", "is not a Parquet file"),
    ],
)
def test_a_broken_file_is_said_in_place(page: Page, tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    upload(page, tmp_path / name)
    expect(page.get_by_role("alert")).to_contain_text(says)
    open_bundled(page, "Instructions (bundled, English)")
    expect(page.get_by_role("alert")).to_have_count(0)


@VIEWS
def test_everyone_can_use_an_open_data_set(open_page: Opener, server: Server, width: int, dark: bool) -> None:
    server.wait_for("ready")
    page = open_page(width=width, dark=dark)
    open_tab(page, "data")
    open_bundled(page, "Instructions (bundled, English)")
    page.locator("#data-training-max-length input").fill("50")
    expect(page.locator(".pda-cut-mark")).to_be_visible()
    expect(page.locator("#data-lengths .pp-panel")).to_have_attribute("data-drawn", "50")
    page.locator("#data-mapping-open").click()
    expect(page.locator("#data-mapping-use")).to_be_enabled()
    page.wait_for_function(SETTLED)
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_participants_raw_post_opens_no_path_of_ours(workshop: Server) -> None:
    secret = workshop.home / "secret.csv"
    secret.write_text("instruction,output\nask,the-secret\n" * 1 + "b,c\n" * 9, encoding="utf-8")
    settings = {"data": {"source": str(secret)}}
    form = [str(secret), "plain", "", False, "", "", "85 / 10 / 5", "", "train", 512, "response", "", 1.0, ""]
    for who, allowed in ((PARTICIPANT, False), (HOST, True)):
        answer = call(workshop, "open_form", [who, None, *form])
        assert ("Only the host can open paths" in answer) is not allowed
        assert ("secret.csv" in answer) is allowed
        assert "the-secret" not in call(workshop, "reopen", [who, settings]) or allowed
    assert "the-secret" not in call(workshop, "look", [PARTICIPANT, settings])
    assert "the-secret" in call(workshop, "look", [HOST, settings])
