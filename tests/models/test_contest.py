"""A beam search on the model that serves everybody: in its turn, as it grows, and gone when nobody looks any more."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from playground.config.beams import BeamSettings
from playground.errors import Cancelled, ModelError, RunError
from playground.models import contest as module
from playground.models.batch import end_tokens
from playground.models.beams import search
from playground.models.contest import Contest, contest
from playground.models.prompting import chat_ids, start_ids
from playground.models.serving import ModelServer
from playground.models.streams import streamed
from tests.models.served import make_run

pytestmark = pytest.mark.usefixtures("one_thread")

PROMPT = "Human: What is the capital of France?"
SMALL = BeamSettings(num_beams=3, max_new_tokens=5)
LONG = BeamSettings(num_beams=16, max_new_tokens=128, early_stopping="never", length_penalty=3)


@pytest.fixture(scope="module")
def server(small_models: dict[str, Path]) -> ModelServer:
    """With the small Llama loaded."""
    found = ModelServer()
    found.start_loading(str(small_models["llama"]), "float32", "cpu")
    assert found.wait_loaded().state == "ready"
    return found


@pytest.mark.parametrize("chat", [False, True])
def test_what_is_told_last_is_the_search_and_all_its_rivals(server: ModelServer, chat: bool) -> None:
    last = list(contest(server, PROMPT, SMALL, chat=chat, run=""))[-1]
    with server.turn() as resident:
        model, tokenizer = resident.loaded.model, resident.loaded.tokenizer
        prompt = chat_ids(tokenizer, PROMPT) if chat else start_ids(tokenizer, PROMPT)
        ends = end_tokens(model, tokenizer)
        assert last.search == search(model, prompt, SMALL, ends)
    assert (last.ends, last.vocabulary_id) == (tuple(ends), server.vocabulary_id)
    assert last.greedy
    assert len(last.greedy.ids) <= 5
    assert len(last.drawn) == module.DRAWN
    alone = list(contest(server, PROMPT, BeamSettings(num_beams=1, max_new_tokens=5), chat=chat, run=""))[-1]
    assert alone.greedy is None
    assert alone.search
    assert alone.search.tokens(alone.search.finished[0]) == last.greedy.ids


def test_a_run_searches_with_its_own_weights(server: ModelServer, small_models: dict[str, Path]) -> None:
    make_run("far", str(small_models["llama"]), small_models["llama"], seed=1)
    base, tuned, again = (
        list(contest(server, PROMPT, SMALL, chat=False, run=run))[-1].search for run in ("", "far", "")
    )
    assert base
    assert tuned
    assert again
    assert tuned.tokens(tuned.finished[0]) != base.tokens(base.finished[0])
    assert again.finished == base.finished
    with pytest.raises(RunError, match="nowhere"):
        list(contest(server, PROMPT, SMALL, chat=False, run="nowhere"))


def test_it_waits_for_its_turn_and_says_so(server: ModelServer) -> None:
    taken, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with server.turn():
            taken.set()
            let_go.wait(20)

    threading.Thread(target=hold).start()
    taken.wait(20)
    updates = contest(server, PROMPT, SMALL, chat=False, run="")
    assert next(updates) == Contest(ahead=1)
    let_go.set()
    assert len(list(updates)[-1].drawn) == module.DRAWN


def test_a_reader_who_leaves_ends_it_at_the_next_token(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "search", slowed(0.02))
    updates = contest(server, PROMPT, LONG, chat=False, run="")
    while not next(updates).search:
        pass
    updates.close()
    started = time.monotonic()
    with server.turn():
        assert time.monotonic() - started < 1.5, "128 steps would have taken longer"


def slowed(seconds: float) -> Callable[..., object]:
    """The search with a pause at every step."""

    def slow(*given: object, on_step: Callable[[object], None], **options: object) -> object:
        def pausing(found: object) -> None:
            time.sleep(seconds)
            on_step(found)

        return search(*given, on_step=pausing, **options)  # type: ignore[arg-type]

    return slow


def test_a_prompt_beyond_the_context_is_refused(server: ModelServer) -> None:
    with pytest.raises(ModelError, match="512"):
        list(contest(server, "film " * 600, SMALL, chat=False, run=""))


def test_a_slow_reader_gets_the_newest_and_never_misses_the_last() -> None:
    def count(tell: Callable[[int], None], _: threading.Event) -> None:
        for number in range(1, 1001):
            tell(number)

    seen = list(streamed(count))
    assert seen[-1] == 1000
    assert len(seen) < 100


def test_a_stream_raises_what_went_wrong_but_for_being_stopped() -> None:
    def work(error: Exception) -> Callable[[Callable[[int], None], threading.Event], None]:
        def fail(tell: Callable[[int], None], _: threading.Event) -> None:
            tell(1)
            raise error

        return fail

    with pytest.raises(ZeroDivisionError):
        list(streamed(work(ZeroDivisionError())))
    assert list(streamed(work(Cancelled("Stopped.")))) == [1]
