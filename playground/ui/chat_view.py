"""The Chat view of the Compare tab: one conversation held with the base and with a run, each with its own answers
behind it, from the same random numbers.

The conversation itself is kept by the page (`assets/js/chat.js`), which sends as much of it as an answer needs; the
server remembers nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.config.strength import check_strength
from playground.errors import PlaygroundError
from playground.ui import identity
from playground.ui.compare_question import Question, chosen_run
from playground.ui.conversation import conversed, messages_of
from playground.ui.errors import shown
from playground.ui.generation_form import generation_settings
from playground.ui.i18n import text
from playground.ui.pacing import act
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import STOPPABLE, widget

SIDES = ("base", "tuned")
OWN, AS_TRAINED = "model", "run"
SEEDS = 2**32


def build(services: Services, shell: Shell, question: Question) -> gr.HTML:
    """Lays the view out and wires it."""
    gr.Markdown(text("chat.about"), elem_id="chat-about")
    words = gr.Radio(
        [(text("chat.words_model"), OWN), (text("chat.words_run"), AS_TRAINED)], value=OWN, label=text("chat.words"),
        info=text("chat.words_help"), elem_id="chat-words",
    )  # fmt: skip
    chat = widget("chat.js", "compare-chat", "send", "stop")
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
    quiet |= STOPPABLE
    answering = chat.send(
        shown(talk, services),
        [shell.person, question.run, question.strength, words, *question.form.inputs()],
        [chat],
        **quiet,
    )
    chat.stop(None, cancels=[answering], api_visibility="private")
    return chat


def talk(
    services: Services,
    event: gr.EventData,
    request: gr.Request,
    person: object,
    run: str | None,
    strength: float,
    words: str,
    *values: Any,
) -> Iterator[dict[str, Any]]:
    """Both answers to the end of a conversation as they grow, for `assets/js/chat.js`; a refusal is told in words."""
    sent = event._data if isinstance(event._data, dict) else {}
    told: dict[str, Any] = {"asked": sent.get("asked")}
    try:
        config, factor = chosen_run(services, person, request, run), check_strength(strength)
        settings = generation_settings(values)
        act(services, identity.identify(person, request), max_new_tokens=settings.max_new_tokens)
        histories = [messages_of(sent.get(side)) for side in SIDES]
        status = services.status()
        if status["state"] != "ready" or status["info"] is None:
            raise PlaygroundError("No model is ready; load one in the Model tab, or wait until it is there.")

        from playground.models.side_by_side import Prompts, stream_pair

        server, context = services.model_server(), int(status["info"]["context_length"])
        # Long answers must not push the whole conversation out of a small context.
        room = max(context - settings.max_new_tokens, context // 2)
        template, tokenizer = config.data.template_text, server.tokenizer
        as_trained = words == AS_TRAINED
        read = [conversed(history, template, tokenizer, room, as_trained=as_trained) for history in histories]
        told |= {
            "form": read[0].form, "dropped": [one.dropped for one in read], "run": run, "name": config.name,
            "model": status["title"], "strength": factor, "strategy": settings.strategy,
        }  # fmt: skip
        # Each try at an answer has random numbers of its own.
        settings = replace(settings, seed=(settings.seed + _attempt(sent)) % SEEDS)
        yield {"state": "waiting", **told}
        prompts = Prompts(read[0].ids, read[1].ids)
        for update in stream_pair(server, prompts, str(run), settings, strength=factor):
            pair = {"base": update.base, "tuned": update.tuned, "ahead": update.ahead}
            yield {"state": "done" if update.done else "answering", **pair, **told}
    except PlaygroundError as error:
        yield {"state": "error", "message": str(error), **told}


def _attempt(sent: dict[str, Any]) -> int:
    attempt = sent.get("attempt")
    return attempt if isinstance(attempt, int) and not isinstance(attempt, bool) and 0 <= attempt < SEEDS else 0
