"""The Distribution tab's values: one distribution as `assets/js/distribution.js` takes it, or as a script gets it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from playground.config.generation import GenerationSettings
from playground.config.settings import setting
from playground.errors import PlaygroundError
from playground.ui.packing import packed
from playground.ui.services import Services

Probabilities = npt.NDArray[np.float64]

TRACED = 512
"""Tokens at the end of a text that the page shows, with what the model thought of each."""
LONGEST_PROBE = 200
"""Characters of a text whose tokens are asked for."""


def picture_of(services: Services, prompt: str, chat: bool, run: str, drawn: Sequence[int] = ()) -> dict[str, Any]:
    """The widget's value, as `assets/js/distribution.js` describes it; a refusal is part of it, in words."""
    status = services.status()
    if status["state"] != "ready":
        return {"state": "waiting"}
    if not prompt.strip() and not drawn:
        return {"state": "empty"}
    server = services.model_server()
    try:
        _check_tokens(drawn, len(server.token_texts()))
        found = server.next_token(prompt, chat=chat, run=run or None, drawn=drawn, traced=TRACED)
    except PlaygroundError as error:
        return {"state": "error", "message": str(error)}
    return {
        "state": "ready",
        "logits": packed(found.logits, "<f4"),
        "trace": _packed_trace(found.trace),
        "ids": found.ids,
        "drawn": list(drawn),
        "text": found.drawn,
        "prompt": prompt,
        "chat": chat,
        "run": run,
        "vocabulary": found.vocabulary_id,
        "model": status["title"],
    }


def _packed_trace(trace: Any) -> dict[str, Any]:
    """A `models.trace.Trace` as `assets/js/distribution_trace.js` takes it."""
    return {
        "start": trace.start,
        "logs": packed(trace.log_probabilities.numpy(), "<f4"),
        "ranks": packed(trace.ranks.numpy(), "<i4"),
        "entropies": packed(trace.entropies.numpy(), "<f4"),
        "others": packed(trace.alternatives.numpy(), "<i4"),
        "other_logs": packed(trace.alternative_log_probabilities.numpy(), "<f4"),
    }


def _check_tokens(ids: Sequence[int], vocabulary: int) -> None:
    """Refuses what the page never sends: the ids come from the browser, so anything may stand there."""
    if not isinstance(ids, list | tuple):
        raise PlaygroundError(f"Tokens are given as a list of ids; got {ids!r}.")
    for found in ids:
        if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < vocabulary:
            raise PlaygroundError(f"Token ids of this model are 0 to {vocabulary - 1}; got {found!r}.")


def probe(services: Services, typed: object) -> dict[str, Any]:
    """The tokens that a text becomes, as it stands and, where it does not begin with one, behind a space.

    `{"readings": [[id, …], …]}`, or `{"error": SENTENCE}`.
    """
    if not isinstance(typed, str) or not 0 < len(typed) <= LONGEST_PROBE:
        return {"error": f"Type a text of 1 to {LONGEST_PROBE} characters."}
    try:
        server = services.model_server()
        found = [server.tokenise(text) for text in ([typed] if typed[0].isspace() else [typed, f" {typed}"])]
    except PlaygroundError as error:
        return {"error": str(error)}
    return {"readings": [ids for at, ids in enumerate(found) if ids and ids not in found[:at]]}


def table(
    logits: Any, ids: Sequence[int], texts: Sequence[str], settings: GenerationSettings, limit: int
) -> dict[str, Any]:
    """One distribution as JSON values: `limit` rows, and what is true of the whole vocabulary.

    Args:
        logits: (vocab,) float32 as the model gave them.
        ids: tokens of the prompt, for the penalties.
        texts: of every token, by id.
    """
    import torch

    from playground.core.sampling import transform

    given = torch.from_numpy(logits)
    made = transform(
        given,
        temperature_value=settings.temperature,
        k=settings.top_k,
        p=settings.top_p,
        min_p_share=settings.min_p,
        typical_mass=settings.typical_p,
        penalty=settings.repetition_penalty,
        presence=settings.presence_penalty,
        frequency=settings.frequency_penalty,
        previous_ids=torch.tensor(ids),
    )
    rows = [
        {
            "id": token,
            "text": texts[token] if token < len(texts) else "",
            "logit": logit if (logit := float(given[token])) > float("-inf") else None,
            "raw_probability": float(made.raw[token]),
            "probability": float(made.probabilities[token]),
            "kept": bool(made.kept[token]),
        }
        for token in likeliest(made.probabilities.numpy(), made.raw.numpy(), limit)
    ]
    return {
        "tokens": rows,
        "prompt_ids": list(ids),
        "vocabulary": len(given),
        "kept": int(made.kept.sum()),
        "kept_mass": float(made.kept_mass),
        "entropy_nats": float(made.entropy_nats),
        "effective_choices": float(made.effective_choices),
    }


def likeliest(final: Probabilities, raw: Probabilities, limit: int) -> list[int]:
    """The first tokens by final probability, then by raw: cut ones, all at 0, follow in the order the model had them.

    Args:
        final: (vocab,); `raw` likewise.
        limit: how many; fewer where the vocabulary is smaller. Only those that may be among them are sorted.
    """
    most = min(limit, len(final))
    level = np.partition(final, -most)[-most]
    ahead, level_with = np.flatnonzero(final > level), np.flatnonzero(final == level)
    rest = most - len(ahead)
    weakest = np.partition(raw[level_with], -rest)[-rest]
    found = np.concatenate([ahead, level_with[raw[level_with] >= weakest]])
    order = np.lexsort((found, -raw[found], -final[found]))
    tokens: list[int] = found[order][:most].tolist()
    return tokens


def slider_of(name: str) -> dict[str, Any]:
    """A setting's range and default as `assets/js/distribution_controls.js` takes them."""
    found = setting(GenerationSettings, name)
    return {
        "name": name,
        "minimum": found.range.minimum,
        "above": found.range.above,
        "maximum": found.range.maximum,
        "value": found.default,
        "whole": found.kind == "int",
    }
