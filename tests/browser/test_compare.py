"""The Compare tab on the model in the box: the shift over a run's steps, and a conversation with branches."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page, expect
from safetensors.torch import load_file, save_file

from playground.models import catalogue
from playground.runs.store import RunStore
from tests.browser.accessibility import violations
from tests.browser.conftest import Opener, Server, Witness
from tests.browser.scripts import page_with
from tests.browser.test_shell import open_tab
from tests.evaluation.finished_runs import data_file, finished_run

pytestmark = pytest.mark.browser

MINUTES = 300_000


@pytest.fixture(scope="module")
def app(tiny_server: Server) -> Server:
    """With a run of 8 steps, whose step 4 had learnt half of what it has in the end."""
    folder = catalogue.local_folder("tiny")
    assert folder is not None
    store = RunStore(tiny_server.home)
    run = store.folder(finished_run(store, folder, data_file(tiny_server.home), name="Halfway"))
    config = json.loads((run / "config.json").read_text(encoding="utf-8")) | {"model": "tiny"}
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with store.database.writing() as connection:
        document = json.dumps(config)
        connection.execute("UPDATE runs SET steps = 8, document = ? WHERE id = ?", (document, run.name))
    store.close()
    weaken(run)
    return tiny_server


def weaken(run: Path) -> None:
    step = run / "steps" / "step-4"
    shutil.copytree(run / "adapter", step)
    weights = load_file(step / "adapter_model.safetensors")
    half = {name: weight * (0.5 if "lora_B" in name else 1) for name, weight in weights.items()}
    save_file({name: torch.clone(weight) for name, weight in half.items()}, step / "adapter_model.safetensors")


@pytest.fixture
def visit(browser: Browser, witness: Witness, app: Server) -> Iterator[Opener]:
    opener = Opener(browser, witness, app.url)
    yield opener
    for context in opener.contexts:
        context.close()


def choose(page: Page, view: str) -> None:
    open_tab(page, "compare")
    expect(page.locator("#compare-run input")).to_have_value(re.compile("Halfway"))
    page.locator(f"#compare-view-{view}-button").first.click()


def fact(page: Page, name: str) -> str:
    return page.locator(f"#shift-picture [data-fact={name}]").inner_text()


def says(page: Page, words: str) -> None:
    page.locator("#chat-input").fill(words)
    page.locator("#chat-input").press("Enter")
    answered(page)


def answered(page: Page) -> None:
    expect(page.locator(".pch-turn").last).to_have_attribute("data-state", "done", timeout=MINUTES)


def test_where_a_run_has_shifted_and_what_both_say_to_a_conversation(visit: Opener, witness: Witness) -> None:
    page = visit()
    choose(page, "shift")
    page.locator("#compare-generation-max-new-tokens input").fill("12")
    page.locator("#compare-prompt textarea").fill("What is the opposite of warm?")
    page.locator("#shift-start").click()
    expect(page.locator("#shift-picture .pgs")).to_have_attribute("data-work", "done", timeout=MINUTES)
    expect(page.locator("#shift-picture .pt-scrubber-label")).to_have_text("Step 8 of 8")
    expect(page.locator(".pgs-rows li")).to_have_count(12, timeout=MINUTES)
    whole = fact(page, "to_base")
    chips = page.locator("#shift-picture .pt-token")
    counted = [int(words.split()[0]) for words in page.locator(".pgs-class small").all_inner_texts()]
    assert sum(counted) == chips.count()
    marks = chips.evaluate_all("(chips) => chips.map((chip) => chip.dataset.shift)")
    assert [marks.count(name) for name in ("unshifted", "marginal", "shifted")] == counted

    # The slider acts on both distributions at once, and the one over the steps needs no server.
    page.locator("#pgs-top_k").evaluate("(it) => { it.value = 2; it.dispatchEvent(new Event('input')); }")
    expect(page.locator(".pgs-facts")).to_contain_text("2 and 2 tokens stay")
    page.locator("#shift-step").press("ArrowLeft")
    expect(page.locator("#shift-picture .pt-scrubber-label")).to_have_text("Step 4 of 8")
    expect(page.locator("#shift-picture [data-fact=to_base]")).not_to_have_text(whole)
    chips.nth(1).click()
    expect(page.locator(".pgs-place h3")).to_contain_text("Token 2 of")

    page.locator("#compare-view-chat-button").first.click()
    expect(page.locator("#compare-prompt")).to_be_hidden()
    says(page, "What is the opposite of warm?")
    says(page, "And of strong?")
    page.locator(".pch-turn").first.locator("[data-action=edit]").click()
    page.locator(".pch-user textarea").fill("What is the opposite of dark?")
    page.locator("[data-action=resend]").click()
    answered(page)
    expect(page.locator(".pch-turn")).to_have_count(1)
    expect(page.locator(".pch-tools")).to_contain_text("2 / 2")
    written = page.locator(".pch-log").inner_text()

    witness.reload(page)
    choose(page, "chat")
    assert page.locator(".pch-log").inner_text() == written
    with page.expect_download() as waited:
        page.locator("[data-action=export]").click()
    taken = json.loads(Path(waited.value.path()).read_text(encoding="utf-8"))
    asked, reply = taken["messages"]["tuned"]
    assert asked == {"role": "user", "content": "What is the opposite of dark?"}
    assert reply["content"] in written
    page.locator("[data-action=before]").click()
    expect(page.locator(".pch-turn")).to_have_count(2)
    page.locator("#compare-view-shift-button").first.click()
    expect(page.locator("#shift-picture .pt-token")).to_have_count(len(marks))
    assert violations(page, "#tab-compare") == []
    # Nothing of one's conversation is with anybody else.
    other = visit(width=390, dark=True)
    choose(other, "chat")
    expect(other.locator(".pch-turn")).to_have_count(0)
    assert other.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_answers_can_be_stopped_while_they_come_and_only_then(visit: Opener) -> None:
    page = visit()
    choose(page, "answers")
    expect(page.locator("#compare-stop")).to_be_disabled()
    page.evaluate(
        """() => {
          window.turns = 0;
          const count = (records) => { window.turns += records.length; };
          const watched = { attributes: true, attributeFilter: ["disabled"] };
          new MutationObserver(count).observe(document.getElementById("compare-stop"), watched);
        }"""
    )
    page.locator("#compare-prompt textarea").fill("What is the opposite of warm?")
    page.locator("#compare-start").click()
    expect(page.locator("#compare-answers .pp-panel")).to_have_attribute("data-state", "done", timeout=MINUTES)
    expect(page.locator("#compare-stop")).to_be_disabled()
    assert page.evaluate("window.turns") >= 2  # offered, and no longer


@pytest.fixture(scope="module")
def scripts(browser: Browser) -> Iterator[Page]:
    with page_with(browser, {"talk": "conversation", "facts": "shift_facts"}) as found:
        yield found


def test_a_conversation_is_a_tree_in_which_nothing_is_lost(scripts: Page) -> None:
    found: dict[str, Any] = scripts.evaluate(
        """() => {
          const one = new talk.Conversation();
          const done = (turn, base, tuned) => Object.assign(turn, { base, tuned, state: "done" });
          const first = done(one.say("a"), "b1", "t1");
          const second = done(one.say("b"), "b2", "t2");
          const edited = done(one.say("a!", first.parent), "b3", "t3");
          const again = one.again(edited);
          const users = () => one.path().map(({ user }) => user);
          const paths = [users()];
          one.turnTo(first);
          paths.push(users());
          const back = new talk.Conversation(JSON.parse(JSON.stringify(one.saved())));
          return {
            paths,
            messages: one.messages(second, "tuned"),
            attempts: [edited.attempt, again.attempt, one.again(edited).attempt],
            beside: one.beside(first).length,
            back: back.path().map(({ user, state }) => [user, state]),
            cut: back.get(again.id).state,
            bad: [3, [{ id: 1, parent: 7, user: "", base: "", tuned: "" }], undefined].map(
              (turns) => new talk.Conversation({ turns }).path().length,
            ),
          };
        }"""
    )
    assert found["paths"] == [["a!"], ["a", "b"]]
    assert found["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "t1"},
        {"role": "user", "content": "b"},
    ]
    assert found["attempts"] == [0, 1, 2]
    assert found["beside"] == 4
    assert found["back"] == [["a", "done"], ["b", "done"]]
    assert found["cut"] == "cut"
    assert found["bad"] == [0, 0, 0]


def test_facts_of_a_shift_by_hand(scripts: Page) -> None:
    found: dict[str, Any] = scripts.evaluate(
        """() => ({
          classes: [1, 2, 3, 4].map(facts.classOf),
          thirds: [facts.thirds([1, 2, 3, 4, 5, 9]), facts.thirds([7])],
          peak: facts.peak([1, 5, 5, 2]),
          distance: facts.distance([0.5, 0.5, 0], [0.25, 0.25, 0.5]),
          likeliest: facts.likeliest([
            { ranking: { order: Uint32Array.of(2, 0, 1) }, final: [0.3, 0, 0.7], first: 0 },
            { ranking: { order: Uint32Array.of(1, 2, 0) }, final: [0, 0.9, 0.1], first: 0 },
          ], 2),
        })"""
    )
    assert found["classes"] == ["unshifted", "marginal", "marginal", "shifted"]
    assert found["thirds"][0] == [1.5, 3.5, 7]
    assert [part for part in found["thirds"][1] if part is not None] == [7]
    assert found["peak"] == 1
    assert found["distance"] == 0.5
    assert found["likeliest"] == [1, 2]
