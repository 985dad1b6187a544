"""A text that the loaded model has read lately is not read again, and what is told of it is never stale."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from playground.errors import ModelError
from playground.models import recent
from playground.models.serving import ModelServer
from tests.models.served import PROMPT, make_run

pytestmark = pytest.mark.usefixtures("one_thread")


@contextmanager
def passes(server: ModelServer) -> Iterator[list[int]]:
    """Passes through the model while the block lasts, by the tokens that each reads."""
    read: list[int] = []
    embeddings = server.require().loaded.model.get_input_embeddings()
    hook = embeddings.register_forward_hook(lambda _, inputs, __: read.append(inputs[0].shape[-1]))
    try:
        yield read
    finally:
        hook.remove()


def test_the_same_text_is_read_once(server: ModelServer) -> None:
    with passes(server) as read:
        first = server.next_token(PROMPT)
        assert read == [len(first.ids)]
        again = server.next_token(PROMPT)
        # The same tokens, however they came about.
        drawn = server.next_token(PROMPT[:-1], drawn=[first.ids[-1]])
        assert drawn.ids == first.ids
        assert read == [len(first.ids)]
    for found in (again, drawn):
        np.testing.assert_array_equal(found.logits, first.logits)
    assert drawn.drawn == ":"


def test_another_question_is_another_reading(server: ModelServer) -> None:
    with passes(server) as read:
        server.next_token("The film")
        server.next_token("The plot")
        traced = [server.next_token("The film", traced=last) for last in (1, 2, 2)]
        assert len(read) == 4
    assert [len(found.ids) - found.trace.start for found in traced if found.trace] == [1, 2, 2]


def test_what_is_kept_is_no_larger_than_it_looks(server: ModelServer) -> None:
    found = server.next_token("The plot of the film", traced=100)
    assert found.trace is not None
    for kept in found.trace[1:]:
        assert kept.untyped_storage().nbytes() == kept.nbytes
    assert found.logits.base is None or found.logits.base.nbytes == found.logits.nbytes


def test_only_the_last_are_kept(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "KEPT", 2)
    with passes(server) as read:
        for text in ("one", "two", "one", "three", "one", "two"):
            server.next_token(text)
        assert len(read) == 4, "two went when three came, for one had been asked for since"


def test_a_run_that_went_on_is_read_anew(server: ModelServer, llama: Path) -> None:
    folder = make_run("one", str(llama), llama, seed=1)
    base, before = server.next_token(PROMPT).logits, server.next_token(PROMPT, run="one").logits
    assert np.abs(base - before).max() > 0.1
    for file in (folder / "adapter").iterdir():
        file.unlink()
    make_run("other", str(llama), llama, seed=2)
    for file in (folder.parent / "other" / "adapter").iterdir():
        file.rename(folder / "adapter" / file.name)
    after = server.next_token(PROMPT, run="one").logits
    assert np.abs(after - before).max() > 0.1
    np.testing.assert_allclose(server.next_token(PROMPT).logits, base, atol=1e-4)


def test_another_model_says_other_things(server: ModelServer, small_models: dict[str, Path]) -> None:
    before = server.next_token("The film").logits
    server.start_loading(str(small_models["llama"].parent / "opt"))
    server.wait_loaded()
    assert server.next_token("The film").logits.tobytes() != before.tobytes()


def test_a_refusal_is_not_kept(server: ModelServer) -> None:
    for _ in range(2):
        with pytest.raises(ModelError, match="context"):
            server.next_token("plot " * 600)
