"""Which number stands for a run in the list of all."""

from playground.runs.headline import headline


def test_a_run_that_is_paid_shows_what_it_earned_and_a_copyist_its_loss() -> None:
    found = headline("ppo", {"loss": 0.01, "objective/scores": 0.8})
    assert found == ("objective/scores", 0.8)
    assert headline("grpo", {"objective/scores": 0.8, "eval_objective/scores": 0.7}) == ("eval_objective/scores", 0.7)
    assert headline("sft", {"loss": 2.0, "eval_loss": 2.5}) == ("eval_loss", 2.5)
    assert headline("dpo", {"loss": 0.5, "eval_rewards/accuracies": None}) is None
    assert headline("evaluation", {"bleu": 20.0}) is None
