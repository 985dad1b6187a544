"""Endpoints for scripts, by plain names; `gradio_client` and plain HTTP reach them.

`owner_key` says who asks: any secret text of at least 20 characters, and only the same text can stop what it started.
The host gives the host key; on the machine itself, where no host key is set, it may be left empty.
"""

from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.config import codec
from playground.config.generation import GenerationSettings
from playground.errors import NotAllowed
from playground.runs.events import Phase
from playground.runs.records import RunRecord
from playground.ui import identity
from playground.ui.errors import shown
from playground.ui.identity import Person
from playground.ui.launching import launch, launch_evaluation
from playground.ui.pacing import act
from playground.ui.prompts import typed_ids
from playground.ui.run_views import run_row
from playground.ui.services import Services

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STATUS = ("run", "name", "method", "model", "phase", "reason", "steps", "position", "starts_in")
RESULT = ("examples", "signature", "base", "tuned", "significance", "judge", "models", "judges")
"""What is told of an evaluation's result, which also holds places on our disk; what a result lacks is null."""


def register(services: Services) -> None:
    """Adds the endpoints to the page being built."""
    for endpoint in (generate, start_run, run_status, stop_run, evaluate):
        gr.api(shown(endpoint, services), api_name=endpoint.__name__, concurrency_limit=None)


def generate(
    services: Services,
    request: gr.Request,
    prompt: str,
    run: str = "",
    template: str = "",
    settings: dict[str, Any] | None = None,
    owner_key: str = "",
) -> dict[str, str]:
    """The loaded model's answer to a prompt, and with `run` that of the model as the run left it, from the same random
    numbers: `{"prompt", "base", "tuned"}`.

    Args:
        run: id of a finished run of one's own, trained on the loaded model; empty asks the loaded model alone.
        template: puts the prompt into words, such as `alpaca` or `chat`; empty takes it as it stands.
        settings: the fields of `generation` in `assets/configs/schema.json`; greedy, 50 tokens by default.
        owner_key: the key the run was started with.
    """
    if run:
        identity.check_owner(services.store.get(run).owner, person(owner_key, request))
    decoding = codec.decode_section(GenerationSettings, settings or {})
    given = {"key": owner_key, "host": owner_key}
    act(services, identity.anyone(given, request), max_new_tokens=decoding.max_new_tokens)

    def ids(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
        return typed_ids(prompt, template, tokenizer)

    server = services.model_server()
    found = {"prompt": prompt, "base": server.answer(ids, decoding).text}
    if run:
        found["tuned"] = server.answer(ids, decoding, run=run).text
    return found


def start_run(
    services: Services, request: gr.Request, config: dict[str, Any] | str, owner_key: str = ""
) -> dict[str, Any]:
    """Queues a run: `{"run": ID}`.

    Args:
        config: what the command line takes, as an object or as JSON text; settings left out take their defaults.
        owner_key: who asks, and who may stop it.
    """
    known = person(owner_key, request)
    act(services, known)
    return {"run": launch(services, codec.parse(config) if isinstance(config, str) else config, known)}


def run_status(services: Services, run: str) -> dict[str, Any]:
    """How a run or an evaluation stands: `{"run", "name", "method", "model", "phase", "reason", "steps", "position",
    "starts_in", "metrics": {last value of each}, "result"}`; `result` is null unless it is an evaluation that is done.

    Args:
        run: its id.
    """
    record = services.store.get(run)
    row = run_row(services, record)
    return {**{name: row[name] for name in STATUS}, "metrics": record.metrics, "result": _result(record)}


def stop_run(services: Services, request: gr.Request, run: str, owner_key: str = "") -> dict[str, Any]:
    """Asks a run or an evaluation to stop, at its next step; a second time by force: `{"run", "phase"}`.

    Args:
        run: its id.
        owner_key: the key it was started with.
    """
    known = person(owner_key, request)
    identity.check_owner(services.store.get(run).owner, known)
    services.jobs.stop(run)
    return {"run": run, "phase": services.store.get(run).phase}


def evaluate(
    services: Services,
    request: gr.Request,
    run: str,
    split: str = "test",
    limit: int | None = None,
    owner_key: str = "",
    others: list[str] | None = None,
) -> dict[str, Any]:
    """Queues an evaluation of a finished run against its base, decoded greedily: `{"evaluation": ID}`.

    Args:
        run: id of a run of one's own.
        split: train, test or validation.
        limit: rows to answer, from the first; null answers all.
        owner_key: who asks: the owner of the run, or the host.
        others: further models that answer the same rows: ids of runs of one's own, or RUN@STEP for a saved step.
    """
    known = person(owner_key, request)
    act(services, known)
    document = {"run": run, "split": split, "limit": limit, "others": others or []}
    return {"evaluation": launch_evaluation(services, document, known)}


def person(owner_key: str, request: gr.Request) -> Person:
    """Who a script asks for.

    Raises:
        NotAllowed: there is no key, or a short one, and the host is not known by sitting at the machine.
    """
    given = {"key": owner_key, "host": owner_key}
    known = identity.visitor(given, request)
    if known is not None:
        return known
    if not identity.is_host(given, request):
        raise NotAllowed(
            f"owner_key is needed: a secret text of at least {identity.SHORTEST_KEY} characters of your own choice, "
            f"the same for everything you start; got {len(str(owner_key or ''))} characters."
        )
    return Person(owner="", host=True)


def _result(record: RunRecord) -> dict[str, Any] | None:
    found = record.result
    if record.kind != "evaluation" or record.phase is not Phase.DONE or found is None:
        return None
    return {name: found.get(name) for name in RESULT}
