"""What the prompts have to offer near the reference: before the first update, the policy is the reference.

Of several answers to each of some prompts the scores are told; from these the page has π* ∝ π_ref·exp(r/β) for every β
and the best of n, prompt by prompt (see `core.optimum`). All answers as one heap would not do: the best of answers to
several prompts is first of all an answer to the easiest.
"""

from collections.abc import Callable, Sequence

from playground.config.methods.ppo import REFERENCE_BATCH
from playground.training.methods.ppo.learner import PROSPECT, Learner
from playground.training.methods.ppo.scoring import score
from playground.training.methods.ppo.snapshots import Reference, short

FEWEST = 8
"""Answers to a prompt: fewer say too little of the best of several."""


def prospect(learner: Learner, prompts: Sequence[list[int]], count: int, interrupt: Callable[[], None]) -> Reference:
    """Draws and scores answers of a policy that has not learnt yet.

    Args:
        prompts: of the first update; as many different ones are answered as `count` allows.
        count: answers, 1 or more; what is left over when each prompt has as many as the others is not drawn.
        interrupt: called again and again; whatever it raises ends the work.

    Raises:
        PlaygroundError: the reward failed, or the policy's logits are no distribution.
    """
    different = [list(ids) for ids in dict.fromkeys(map(tuple, prompts))][: max(1, count // FEWEST)]
    each = count // len(different)
    asked = [ids for ids in different for _ in range(each)]
    size = max(REFERENCE_BATCH, learner.settings.rollouts)
    scores: list[float] = []
    for stream, at in enumerate(range(0, len(asked), size), PROSPECT):
        rollouts = learner.answer(asked[at : at + size], stream, interrupt)
        penalty = learner.settings.missing_eos_penalty
        scores += score(learner.reward, rollouts, learner.tokenizer, penalty, 0).total.tolist()
    return {"scores": [short(scores[at : at + each]) for at in range(0, len(scores), each)]}
