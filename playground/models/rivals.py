"""What a beam search is held against: greedy's answer, and texts drawn from the model, each with its probability."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from transformers import PreTrainedModel

from playground.config.beams import BeamSettings
from playground.core import sampling
from playground.errors import Cancelled
from playground.models.beams import Beams, search
from playground.models.decoding import random_stream
from playground.models.generation import inference, require_room


@dataclass(frozen=True)
class Rival:
    """A text after the prompt."""

    ids: list[int]
    """The token that ends it included, where one did."""
    score: float
    """Its log-probability in nats."""


def greedy(
    model: PreTrainedModel,
    prompt: Sequence[int],
    settings: BeamSettings,
    ends: Sequence[int],
    *,
    adapter: str | None = None,
    stop: threading.Event | None = None,
) -> Rival:
    """The answer that takes the likeliest token each time; errors as in `search`."""
    found = search(model, prompt, replace(settings, num_beams=1), ends, adapter=adapter, stop=stop)
    return Rival(found.tokens(found.finished[0]), found.candidates[found.finished[0]].score)


def drawn(
    model: PreTrainedModel,
    prompt: Sequence[int],
    count: int,
    longest: int,
    ends: Sequence[int],
    *,
    seed: int,
    adapter: str | None = None,
    stop: threading.Event | None = None,
) -> list[Rival]:
    """Texts drawn token by token from the model's own distribution, at temperature 1 with nothing cut.

    The random numbers are those of `generation.generate`, so that its samples are the same for the same seed.

    Args:
        longest: tokens after which a text is broken off; prompt and text must fit into the context.

    Raises:
        OutOfMemory: what the model would remember of so many texts does not fit.
        Cancelled: `stop` was set.
    """
    require_room(model, count, len(prompt) + longest)
    streams = [random_stream(seed, row, model.device) for row in range(count)]
    ids: list[list[int]] = [[] for _ in range(count)]
    scores = [0.0] * count
    open_rows = list(range(count))
    with inference(model):
        beams = Beams(model, prompt, adapter)
        logs = beams.log_probabilities().expand(count, -1)
        while True:
            noise = [sampling.exponential_noise((logs.shape[-1],), streams[row]) for row in open_rows]
            tokens = sampling.draw(logs, torch.stack(noise))
            added = logs.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
            for row, token, log in zip(open_rows, tokens.tolist(), added.tolist(), strict=True):
                ids[row].append(token)
                scores[row] += log
            going = [at for at, row in enumerate(open_rows) if ids[row][-1] not in ends]
            open_rows = [open_rows[at] for at in going]
            if not going or len(ids[open_rows[0]]) == longest:
                return [Rival(*pair) for pair in zip(ids, scores, strict=True)]
            if stop and stop.is_set():
                raise Cancelled("Stopped while drawing.")
            # Read once, the prompt is every row's beginning.
            rows = torch.tensor(going if len(beams.ids) > 1 else [0] * len(going), device=model.device)
            beams.go_on(rows, tokens[going])
            logs = beams.log_probabilities()
