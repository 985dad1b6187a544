"""The stages of PPO each by itself: what is drawn, what is read of it, and what the gradients are."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Gemma2Config, Gemma2ForCausalLM

from playground.config.methods.ppo import PPOSettings
from playground.config.run import AdapterSettings, TrainingSettings
from playground.core import sampling
from playground.core.advantages import masked_mean
from playground.core.frozen_linear import is_there
from playground.errors import RunError
from playground.models import quick_lora
from playground.models.adapters import attach_lora
from playground.models.loading import LoadedModel
from playground.training.methods.ppo.actor import Actor, Reading
from playground.training.methods.ppo.experience import Experience, look, weigh
from playground.training.methods.ppo.rollout import Rollouts, _Writing
from playground.training.methods.ppo.update import Optimisation, loss_of, update
from tests.training.ppo_runs import ALL, answers, moved_actor

TEMPERATURE = 0.8
TARGETS = {"llama": ALL, "gpt2": ("c_attn", "c_fc"), "opt": ("q_proj", "v_proj", "fc1", "fc2")}
Scene = tuple[Actor, LoadedModel, list[list[int]], list[int], Rollouts]


@pytest.fixture(scope="module")
def scene(small_models: dict[str, Path]) -> Scene:
    """A policy, prompts of different lengths, and its answers; a few tokens end one, so that some end early."""
    actor, found = moved_actor(small_models["llama"], temperature=TEMPERATURE)
    texts = ["The film", "The user goes to the park and", "A", "Write a response that", "The plot"]
    prompts = [found.tokenizer(text)["input_ids"] for text in texts]
    ends = [found.tokenizer.eos_token_id, *range(300, 340)]
    return actor, found, prompts, ends, answers(actor, prompts, ends, temperature=TEMPERATURE)


def test_answers_are_ragged_and_end_where_they_say(scene: Scene) -> None:
    _, _, prompts, ends, rollouts = scene
    assert len(set(rollouts.lengths.tolist())) > 1
    assert 0 < int(rollouts.ended.sum()) < len(prompts)
    for row, prompt in enumerate(prompts):
        assert rollouts.prompt_ids(row) == prompt
        answer = rollouts.answer_ids(row)
        assert (answer[-1] in ends) == bool(rollouts.ended[row])
        assert not set(answer[:-1]) & set(ends)


def test_the_log_probabilities_are_those_of_the_unpadded_text(scene: Scene) -> None:
    actor, _, _, _, rollouts = scene
    with torch.no_grad():
        reading = actor.read(rollouts.ids, rollouts.attention, rollouts.mask.shape[1], entropy="seen")
    assert reading.entropy is not None
    for row in range(len(rollouts.ids)):
        prompt, answer = rollouts.prompt_ids(row), rollouts.answer_ids(row)
        with torch.no_grad():
            logits = actor.model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1] / TEMPERATURE
        logps = logits.log_softmax(-1)
        expected = logps.gather(-1, torch.tensor(answer).unsqueeze(-1)).squeeze(-1)
        torch.testing.assert_close(reading.logps[row, : len(answer)], expected, atol=2e-5, rtol=0)
        torch.testing.assert_close(
            reading.entropy[row, : len(answer)], sampling.entropy(logps.exp()), atol=1e-4, rtol=0
        )


@pytest.mark.parametrize("family", TARGETS)
@pytest.mark.parametrize("laid_out", [False, True])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5])
def test_answers_are_drawn_from_what_the_whole_text_says(
    family: str, laid_out: bool, temperature: float, small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick_lora, "prefers_onednn", lambda: laid_out and is_there())
    actor, found = moved_actor(small_models[family], temperature=temperature, targets=TARGETS[family])
    texts = ["The film", "The user goes to the park and", "A", "Write a response that", "The plot"]
    prompts = [found.tokenizer(text)["input_ids"] for text in texts]
    seen: list[torch.Tensor] = []  # (rows, vocabulary) by place, of the rows that were still open
    drawn_from = _Writing._logits

    def logits(writing: Any, *given: Any) -> torch.Tensor:
        seen.append(torch.full((len(prompts), 1), torch.nan))
        found = drawn_from(writing, *given)
        seen[-1] = torch.full((len(prompts), found.shape[-1]), torch.nan)
        seen[-1][writing.live] = found
        return found

    monkeypatch.setattr(_Writing, "_logits", logits)
    rollouts = answers(actor, prompts, [found.tokenizer.eos_token_id, *range(250, 380)], temperature=temperature)
    numbers = torch.rand((5, 12), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert len(set(rollouts.lengths.tolist())) > 1
    for row, prompt in enumerate(prompts):
        answer = rollouts.answer_ids(row)
        with torch.no_grad():
            whole = actor.model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
        logps = torch.stack([step[row] for step in seen[: len(answer)]]).div(temperature).log_softmax(-1)
        torch.testing.assert_close(logps, whole.div(temperature).log_softmax(-1), atol=1e-4, rtol=0)
        assert sampling.draw_at(whole / temperature, numbers[row, : len(answer)]).tolist() == answer


def test_an_answer_does_not_depend_on_its_batch(scene: Scene) -> None:
    actor, _, prompts, ends, rollouts = scene
    for size in (1, 2):
        parted = answers(actor, prompts, ends, temperature=TEMPERATURE, rollout_batch=size)
        assert torch.equal(parted.answers, rollouts.answers)
        assert torch.equal(parted.mask, rollouts.mask)


def test_padding_in_front_and_another_padding_token_change_nothing(scene: Scene) -> None:
    actor, _, _, _, rollouts = scene
    width = rollouts.mask.shape[1]
    more = torch.full((len(rollouts.ids), 3), 7)
    ids = torch.cat([more, rollouts.ids.masked_fill(rollouts.attention == 0, 11)], dim=1)
    attention = torch.cat([torch.zeros_like(more), rollouts.attention], dim=1)
    order = torch.tensor([3, 1, 4, 0, 2])
    with torch.no_grad():
        plain = actor.read(rollouts.ids, rollouts.attention, width)
        padded = actor.read(ids[order], attention[order], width)
    there = rollouts.mask[order].bool()
    torch.testing.assert_close(padded.logps[there], plain.logps[order][there], atol=2e-5, rtol=0)
    torch.testing.assert_close(padded.values[there], plain.values[order][there], atol=1e-4, rtol=0)


def test_the_reference_is_the_model_without_its_adapter(scene: Scene, small_models: dict[str, Path]) -> None:
    actor, _, _, _, rollouts = scene
    base, _ = moved_actor(small_models["llama"], temperature=TEMPERATURE, far=0.0)
    width = rollouts.mask.shape[1]
    trained = {name for name, weight in actor.model.named_parameters() if weight.requires_grad}
    with torch.no_grad(), actor.reference() as reference:
        found = reference.read(rollouts.ids, rollouts.attention, width).logps
    with torch.no_grad():
        assert torch.equal(found, base.read(rollouts.ids, rollouts.attention, width).logps)
        assert (actor.read(rollouts.ids, rollouts.attention, width).logps - found).abs().max() > 0.1
    assert {name for name, weight in actor.model.named_parameters() if weight.requires_grad} == trained


def test_a_number_draws_the_token_where_the_cumulated_probability_passes_it() -> None:
    logits = torch.tensor([0.5, 0.25, 0.0, 0.25]).log().expand(5, 4)
    numbers = torch.tensor([0.0, 0.4999, 0.5, 0.7501, 0.9999999], dtype=torch.float64)
    assert sampling.draw_at(logits, numbers).tolist() == [0, 0, 1, 3, 3]


def test_draws_are_as_frequent_as_they_are_probable() -> None:
    logits = torch.tensor([2.0, 0.0, -1.0, -torch.inf, 1.0])
    numbers = torch.rand(20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    drawn = sampling.draw_at(logits.expand(len(numbers), -1), numbers).bincount(minlength=5) / len(numbers)
    torch.testing.assert_close(drawn, logits.softmax(0), atol=0.01, rtol=0)


def experience_of(scene: Scene, settings: PPOSettings, rows_at_once: int) -> tuple[Experience, Reading | None]:
    actor, _, _, _, rollouts = scene
    scores = torch.tensor([1.0, -2.0, 0.5, 3.0, 0.0])
    learns = settings.entropy_coefficient > 0
    readings, live = look(actor, rollouts, rows_at_once, entropy_learns=learns)
    return weigh(rollouts, readings, scores, settings, beta=0.1), live


def nothing(*_: Any) -> None:
    """Neither steps nor signs of life."""


def gradients(scene: Scene, settings: PPOSettings, training: TrainingSettings) -> tuple[dict[str, torch.Tensor], Any]:
    actor = scene[0]
    experience, live = experience_of(scene, settings, training.batch_size)
    optimizer = torch.optim.SGD(actor.trained().values(), lr=0.0)  # stands still, so that gradients can be looked at
    still = Optimisation(optimizer, torch.amp.GradScaler("cpu", enabled=False))
    updated = update(
        actor, still, experience, live, settings, training, 0.1, 1, torch.Generator().manual_seed(0), nothing
    )  # fmt: skip
    found = {name: weight.grad.clone() for name, weight in actor.trained().items() if weight.grad is not None}
    return found, updated


@pytest.mark.parametrize("kl", ["k1_reward", "k2_loss", "k3_loss"])
def test_parts_of_a_minibatch_give_the_gradient_of_the_whole(scene: Scene, kl: Any) -> None:
    settings = PPOSettings(temperature=TEMPERATURE, update_epochs=1, kl=kl, entropy_coefficient=0.01)
    whole, _ = gradients(scene, settings, TrainingSettings(batch_size=6, max_grad_norm=0))
    parted, _ = gradients(scene, settings, TrainingSettings(batch_size=2, gradient_accumulation=3, max_grad_norm=0))
    assert whole.keys() == parted.keys() == scene[0].trained().keys()
    for name, gradient in whole.items():
        torch.testing.assert_close(parted[name], gradient, atol=1e-5, rtol=1e-3)
        assert gradient.abs().max() > 0


def test_before_the_first_step_every_ratio_is_one(scene: Scene) -> None:
    settings = PPOSettings(temperature=TEMPERATURE, update_epochs=1)
    for size in (2, 5):
        _, updated = gradients(scene, settings, TrainingSettings(batch_size=size))
        mask = scene[4].mask.bool()
        assert (updated.ratio[mask] - 1).abs().max() <= 1e-6
        assert all(one.clip_fraction == 0 for one in updated.minibatches)


@pytest.mark.parametrize("kl", ["k2_loss", "k3_loss"])
def test_whitening_scales_the_price_of_divergence_with_the_reward(scene: Scene, kl: Any) -> None:
    actor, _, _, _, rollouts = scene
    settings = PPOSettings(temperature=TEMPERATURE, kl=kl, value_coefficient=0.0)
    white, _ = experience_of(scene, settings, 5)
    plain, _ = experience_of(scene, replace(settings, whiten_advantages=False), 5)
    mask = rollouts.mask
    assert float(white.scale) == pytest.approx(float(plain.advantages[mask.bool()].std(unbiased=False)), rel=1e-4)
    assert float(plain.scale) == 1
    centred = plain._replace(advantages=plain.advantages - masked_mean(plain.advantages, mask))
    with torch.no_grad():
        now = actor.read(rollouts.ids, rollouts.attention, mask.shape[1])
        rows, count = torch.arange(len(mask)), mask.sum()
        one, other = (loss_of(now, experience, rows, settings, 0.1, count).total for experience in (white, centred))
    assert float(one * white.scale) == pytest.approx(float(other), rel=1e-4)
    assert float(other) > 0.01


def test_a_gradient_that_is_no_number_leaves_the_weights_as_they_were(scene: Scene) -> None:
    actor = scene[0]
    before = {name: weight.detach().clone() for name, weight in actor.trained().items()}
    weight = next(iter(actor.trained().values()))
    hook = weight.register_hook(lambda gradient: gradient * torch.nan)  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(RunError, match=r"The gradient became nan at step 1; lower training.learning_rate"):
            gradients(scene, PPOSettings(temperature=TEMPERATURE), TrainingSettings(batch_size=5))
    finally:
        hook.remove()
    for name, weight in actor.trained().items():
        assert torch.equal(weight, before[name])


def test_the_end_token_is_learnt_and_what_stands_behind_it_is_not(scene: Scene) -> None:
    actor, _, _, _, rollouts = scene
    settings = PPOSettings(temperature=TEMPERATURE, gae_lambda=1.0, whiten_advantages=False)
    experience, _ = experience_of(scene, settings, 5)
    row = int(rollouts.ended.nonzero()[0])
    end = int(rollouts.lengths[row]) - 1
    assert experience.advantages[row, end] != 0
    assert not experience.advantages[rollouts.mask == 0].any()
    changed = rollouts.ids.clone()
    changed[:, -rollouts.mask.shape[1] :] += 5 * (rollouts.mask == 0)
    with torch.no_grad():
        one = actor.read(rollouts.ids, rollouts.attention, rollouts.mask.shape[1]).logps
        other = actor.read(changed, rollouts.attention, rollouts.mask.shape[1]).logps
    there = rollouts.mask.bool()
    torch.testing.assert_close(one[there], other[there], atol=2e-5, rtol=0)


def test_an_update_ends_early_before_it_goes_too_far(scene: Scene) -> None:
    actor, _, _, _, _ = scene
    settings = PPOSettings(temperature=TEMPERATURE, update_epochs=50, max_update_kl=0.01)
    before = {name: weight.detach().clone() for name, weight in actor.trained().items()}
    experience, live = experience_of(scene, settings, 5)
    optimisation = Optimisation(
        torch.optim.AdamW(actor.trained().values(), lr=3e-3), torch.amp.GradScaler("cpu", enabled=False)
    )
    updated = update(
        actor, optimisation, experience, live, settings, TrainingSettings(batch_size=5), 0.1, 1,
        torch.Generator().manual_seed(0), nothing,
    )  # fmt: skip
    assert updated.ended_early
    assert 0 < len(updated.minibatches) < 50
    assert all(one.approximate_kl <= 0.01 for one in updated.minibatches)
    with torch.no_grad():
        for name, weight in actor.trained().items():
            weight.copy_(before[name])


def test_what_a_model_does_to_its_logits_is_not_left_out() -> None:
    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=60, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, final_logit_softcapping=0.1,
    )  # fmt: skip
    model = attach_lora(Gemma2ForCausalLM(config), AdapterSettings(rank=2, targets=("q_proj",)), seed=0)
    actor = Actor(model, temperature=1.0, compute="float32")
    ids = torch.randint(60, (2, 7), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logps = model(ids).logits[:, 3:-1].log_softmax(-1)
        for _ in range(2):
            found = actor.read(ids, torch.ones_like(ids), 3).logps
            torch.testing.assert_close(found, logps.gather(-1, ids[:, 4:].unsqueeze(-1)).squeeze(-1))


def kept_of(actor: Actor, rollouts: Rollouts) -> tuple[int, list[torch.Tensor]]:
    """Bytes that a reading keeps for its gradient beside the weights, and that gradient."""
    weights = {weight.data_ptr() for weight in actor.model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        reading = actor.read(rollouts.ids, rollouts.attention, rollouts.mask.shape[1])
    trained = actor.trained().values()
    found = torch.autograd.grad(reading.logps.sum() + reading.values.sum(), list(trained), allow_unused=True)
    return sum(kept.values()), [one for one in found if one is not None]


def test_what_is_made_again_gives_the_same_gradient_from_less(small_models: dict[str, Path], scene: Scene) -> None:
    actor, *_, rollouts = scene
    whole, expected = kept_of(actor, rollouts)
    less, found = kept_of(moved_actor(small_models["llama"], temperature=TEMPERATURE, checkpointing=True)[0], rollouts)
    assert less < whole / 2
    assert len(found) == len(expected) > 20
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
