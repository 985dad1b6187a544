"""The distance between two models on a text: by hand on two tokens, and on real models by plain forward passes."""

import math
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from playground.core.divergence import divergence
from playground.errors import ModelError, RunError
from playground.models import shift as module
from playground.models import trace
from playground.models.adapters import merge_adapter
from playground.models.serving import ModelServer
from playground.models.shift import next_pair, run_shift
from playground.runs.home import runs_folder
from tests.models.served import make_run

IDS = [5, 60, 7, 80, 9, 33, 12, 200, 41]
START = 3


@pytest.fixture
def server(small_models: dict[str, Path]) -> ModelServer:
    """With the small Llama loaded, and a run on it."""
    base = small_models["llama"]
    make_run("one", str(base), base, seed=1)
    found = ModelServer()
    found.start_loading(str(base), "float32", "cpu")
    assert found.wait_loaded().state == "ready"
    return found


def logs(*shares: float) -> torch.Tensor:
    return torch.tensor([shares]).log()


def test_two_tokens_by_hand() -> None:
    tuned, base = logs(0.75, 0.25), logs(0.4, 0.6)
    found = module.Shift(*module._views(tuned, base, torch.tensor([1])))
    assert float(found.to_base) == pytest.approx(0.75 * math.log(0.75 / 0.4) + 0.25 * math.log(0.25 / 0.6), rel=1e-6)
    assert float(found.to_tuned) == pytest.approx(0.4 * math.log(0.4 / 0.75) + 0.6 * math.log(0.6 / 0.25), rel=1e-6)
    assert float(found.base_logps.exp()) == pytest.approx(0.6)
    assert float(found.tuned_logps.exp()) == pytest.approx(0.25)
    assert (int(found.base_ranks), int(found.choices), int(found.choice_ranks)) == (1, 0, 2)
    assert found.movers.tolist() == [[0, 1, 1, 0]]
    assert found.movers_base[0].tolist() == pytest.approx([0.4, 0.6, 0.6, 0.4])
    assert found.movers_tuned[0].tolist() == pytest.approx([0.75, 0.25, 0.25, 0.75])


def test_the_distance_is_0_of_the_same_and_infinite_where_the_other_has_ruled_out_what_comes() -> None:
    assert float(divergence(logs(0.2, 0.8), logs(0.2, 0.8))) == 0
    assert float(divergence(logs(1.0, 0.0), logs(0.5, 0.5))) == pytest.approx(math.log(2))
    assert float(divergence(logs(0.5, 0.5), logs(1.0, 0.0))) == math.inf
    close = torch.tensor([[0.0, 1e-9]], dtype=torch.float64)
    assert divergence(close, 2 * close).dtype == torch.float64


def test_ranks_count_from_the_likeliest_and_equals_by_their_ids() -> None:
    found = module.ranks(torch.tensor([[1.0, 3.0, 3.0, 2.0]] * 4), torch.arange(4))
    assert found.tolist() == [4, 1, 2, 3]


@pytest.mark.parametrize("small", [False, True])
def test_a_text_is_read_as_by_plain_forward_passes(
    server: ModelServer, small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    base = AutoModelForCausalLM.from_pretrained(small_models["llama"])
    vocabulary = base.config.vocab_size
    if small:  # pieces of two places, looked at one by one
        monkeypatch.setattr(trace, "LOGITS_AT_ONCE", 2 * vocabulary)
        monkeypatch.setattr(module, "NUMBERS_AT_ONCE", vocabulary)
    found = run_shift(server, IDS, START, "one")
    with torch.no_grad():
        theirs = base(torch.tensor([IDS])).logits[0, START - 1 : -1].double().log_softmax(-1)
        merge_adapter(base, runs_folder() / "one" / "adapter")
        ours = base(torch.tensor([IDS])).logits[0, START - 1 : -1].double().log_softmax(-1)
    torch.testing.assert_close(found.to_base, (ours.exp() * (ours - theirs)).sum(-1), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.to_tuned, (theirs.exp() * (theirs - ours)).sum(-1), atol=1e-5, rtol=1e-4)
    followed = torch.tensor(IDS[START:])
    torch.testing.assert_close(found.base_logps, theirs.gather(-1, followed[:, None]).squeeze(-1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.tuned_logps, ours.gather(-1, followed[:, None]).squeeze(-1), atol=1e-4, rtol=1e-4)
    assert found.choices.tolist() == ours.argmax(-1).tolist()
    assert found.choice_ranks.tolist() == [
        1 + int((row > row[choice]).sum()) for row, choice in zip(theirs, ours.argmax(-1), strict=True)
    ]
    gains = ours.exp() - theirs.exp()
    assert found.movers[:, 0].tolist() == gains.argmax(-1).tolist()
    assert found.movers[:, module.MOVERS].tolist() == gains.argmin(-1).tolist()


def test_at_no_strength_nothing_has_shifted(server: ModelServer) -> None:
    found = run_shift(server, IDS, START, "one", strength=0)
    assert float(found.to_base.abs().max()) == 0
    assert found.choice_ranks.tolist() == [1] * (len(IDS) - START)


def test_a_saved_step_is_looked_at_as_it_was(server: ModelServer, small_models: dict[str, Path]) -> None:
    run = runs_folder() / "one"
    make_run("earlier", str(small_models["llama"]), small_models["llama"], seed=7)
    (run / "steps").mkdir()
    (runs_folder() / "earlier" / "adapter").rename(run / "steps" / "step-4")
    make_run("same", str(small_models["llama"]), small_models["llama"], seed=7)
    at_4 = run_shift(server, IDS, START, "one", step=4)
    assert torch.equal(at_4.to_base, run_shift(server, IDS, START, "same").to_base)
    assert not torch.equal(at_4.to_base, run_shift(server, IDS, START, "one").to_base)
    pair = next_pair(server, IDS, "one", step=4)
    assert torch.equal(pair.tuned, next_pair(server, IDS, "same").tuned)
    assert torch.equal(pair.base, next_pair(server, IDS, "one").base)
    with pytest.raises(RunError):
        run_shift(server, IDS, START, "one", step=5)


def test_a_text_without_an_answer_is_refused(server: ModelServer) -> None:
    with pytest.raises(ModelError, match="answer is empty"):
        run_shift(server, IDS, len(IDS), "one")
