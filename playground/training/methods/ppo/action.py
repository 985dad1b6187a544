"""Answers of one token: policy, reference and the optimum that PPO should find, side by side.

Of all policies, π* ∝ π_ref·exp(r/β) has the largest expected reward less β times its divergence from the reference
(see `core.optimum`). With one token there are few enough answers to score them all and to see how far it is.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.training.asking.judging import answer_text, asked, prompt_text
from playground.training.methods.ppo.actor import Actor, positions
from playground.training.methods.ppo.learner import Learner
from playground.training.methods.ppo.snapshots import Action, short

ALL_UP_TO = 2048
"""Tokens of the largest vocabulary that is scored whole."""
LIKELIEST = 256
"""Tokens compared of a larger one, by the reference."""
BARS = 24
LEAST_BETA = 1e-6
"""Stands for 0, where the optimum is the best token alone."""


class Probe:
    """One fixed prompt whose next token is looked at again and again."""

    def __init__(
        self,
        learner: Learner,
        prompt: list[int],
        names: Sequence[str],
    ) -> None:
        """Scores every token that is compared; `names` are the texts of all.

        Raises:
            RunError: as `scoring.score`.
        """
        self._prompt = prompt
        self._text = prompt_text(learner.tokenizer, prompt)
        self._names = names
        with torch.no_grad(), learner.actor.reference() as reference:
            logps = self._logps(reference)
        size = min(len(logps), len(names))
        self._tokens = logps[:size].topk(size if size <= ALL_UP_TO else LIKELIEST).indices
        answers = [answer_text(learner.tokenizer, prompt, [token]) for token in self._tokens.tolist()]
        scores = learner.reward.of(asked(learner.reward, [self._text] * len(answers), answers, 0))
        unended = ~torch.isin(self._tokens, torch.tensor(learner.ends, device=self._tokens.device)).cpu()
        self._scores = torch.tensor(scores) - learner.settings.missing_eos_penalty * unended.float()
        self._mass = float(logps[self._tokens].exp().sum())
        self._reference = logps[self._tokens].log_softmax(0).cpu()

    def look(self, actor: Actor, beta: float) -> Action:
        """Where the policy is now; the bars are of the tokens that any of the three likes best."""
        with torch.no_grad():
            policy = self._logps(actor)[self._tokens].softmax(0).cpu()
        reference = self._reference.exp()
        optimum = (self._reference + self._scores / max(beta, LEAST_BETA)).softmax(0)
        shown = torch.stack([reference, policy, optimum]).amax(dim=0).topk(min(BARS, len(policy))).indices
        return {
            "prompt": self._text,
            "beta": beta,
            "tokens": [self._names[token] for token in self._tokens.cpu()[shown].tolist()],
            "reward": short(self._scores[shown].tolist()),
            "reference": short(reference[shown].tolist()),
            "policy": short(policy[shown].tolist()),
            "optimum": short(optimum[shown].tolist()),
            "distance": float((policy - optimum).abs().sum()) / 2,
            "compared": len(self._tokens),
            "mass": self._mass,
        }

    def _logps(self, actor: Actor) -> Tensor:
        """(vocabulary,) float32."""
        ids = torch.tensor([self._prompt], device=actor.device)
        attention = torch.ones_like(ids)
        with actor.autocast():
            logits: Tensor = actor.model(
                input_ids=ids, attention_mask=attention, use_cache=False, logits_to_keep=1,
                **positions(actor.model, attention),
            ).logits[0, -1]  # fmt: skip
        return (logits.float() / actor.temperature).log_softmax(0)
