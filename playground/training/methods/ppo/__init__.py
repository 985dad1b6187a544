"""Proximal policy optimisation for language models (Schulman et al. 2017; Ziegler et al. 2019; Ouyang et al. 2022).

One update is a chain of four stages, a file each; `trainer.py` runs the chain and keeps what belongs to a run:

1. `rollout.py`: the policy answers prompts (`../asking/prompts.py`).
2. `scoring.py`: the reward judges the answers.
3. `experience.py`: policy, reference and value function (`actor.py`) read them; rewards become advantages.
4. `update.py`: the policy and the value function learn from them, several times over.

The formulas stand in `core/advantages.py` and `core/policy_losses.py`. What is told: `metrics.py`, `snapshots.py`,
`action.py`, `trouble.py`. What is kept: `keeping.py`. A reward model on the same backbone shares it: `sharing.py`.
"""

from playground.training.methods.ppo.trainer import train

__all__ = ["train"]
