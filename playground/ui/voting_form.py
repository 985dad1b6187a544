"""What is voted on: the answers of a finished evaluation, or of models that answer as they are voted on.

The same fields in the Votes view of the Compare tab and on the host's stage.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.config import codec
from playground.config.methods import SCORING
from playground.config.voting import BASE, VotingSettings
from playground.errors import RunError
from playground.runs.events import Phase
from playground.runs.records import RunRecord
from playground.ui import identity
from playground.ui.forms import relisted
from playground.ui.generation_form import GenerationForm, build_generation_form, generation_settings
from playground.ui.i18n import text
from playground.ui.services import Services

FINISHED, LIVE = "evaluation", "live"
TYPED = ""
"""In the field of questions: the typed prompts."""
PROMPTS = (
    "Write a short greeting for a new neighbour.\nWhat is a good way to start the day?\nExplain why leaves are green."
)
LISTED = 100


@dataclass(frozen=True)
class VotingForm:
    """Components of the form."""

    answers: gr.Radio
    evaluation: gr.Dropdown
    contestants: gr.Dropdown
    questions: gr.Dropdown
    prompts: gr.Textbox
    generation: GenerationForm

    def inputs(self) -> list[Any]:
        """For `chosen_settings`."""
        return [self.answers, *self.offered(), self.prompts, *self.generation.inputs()]

    def offered(self) -> list[gr.Dropdown]:
        """For `offer`, which reads and updates them."""
        return [self.evaluation, self.contestants, self.questions]


def build_voting_form(prefix: str) -> VotingForm:
    """Lays the fields out, with element ids that begin with a view's `prefix`."""
    answers = gr.Radio(
        [(text("votes.answers.evaluation"), FINISHED), (text("votes.answers.live"), LIVE)], value=FINISHED,
        label=text("votes.answers"), elem_id=f"{prefix}-answers", elem_classes="pp-segments",
    )  # fmt: skip
    evaluation = gr.Dropdown(
        [], label=text("votes.evaluation"), info=text("votes.evaluation.help"), elem_id=f"{prefix}-evaluation"
    )
    with gr.Column(visible=False, elem_classes="pp-bare") as live:
        contestants = gr.Dropdown(
            [(text("votes.base"), BASE)], value=[BASE], multiselect=True, label=text("votes.contestants"),
            info=text("votes.contestants.help"), elem_id=f"{prefix}-contestants",
        )  # fmt: skip
        questions = gr.Dropdown(
            [(text("votes.questions.typed"), TYPED)], value=TYPED, label=text("votes.questions"),
            elem_id=f"{prefix}-questions",
        )  # fmt: skip
        prompts = gr.Textbox(
            PROMPTS, label=text("votes.prompts"), info=text("votes.prompts.help"), lines=3, max_lines=12,
            max_length=20_000, elem_id=f"{prefix}-prompts",
        )  # fmt: skip
        generation = build_generation_form(f"{prefix}-answers")
    quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    answers.change(
        lambda chosen: (gr.update(visible=chosen == FINISHED), gr.update(visible=chosen == LIVE)),
        [answers], [evaluation, live], **quiet,
    )  # fmt: skip
    questions.change(lambda run: gr.update(visible=run == TYPED), [questions], [prompts], **quiet)
    return VotingForm(answers, evaluation, contestants, questions, prompts, generation)


def offer(
    services: Services,
    person: object,
    looked_at: str,
    evaluation: str | None,
    contestants: list[str] | None,
    questions: str | None,
    request: gr.Request,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """For `VotingForm.offered`: finished evaluations, and one's finished runs, those on the loaded model first."""
    known = identity.identify(person, request)
    done = [one for one in services.store.list("evaluation") if one.phase is Phase.DONE]
    done.sort(key=lambda one: one.owner != known.owner)  # stable: newest first within
    loaded = services.status().get("ref")
    runs = [run for run in services.store.list("run", owner=None if known.host else known.owner) if _writes(run)]
    runs.sort(key=lambda run: run.document["model"] != loaded)
    ids = [run.id for run in runs]
    listed = [(f"{run.name or run.method} · {run.id}", run.id) for run in runs]
    kept = [name for name in contestants or [] if name == BASE or name in ids]
    if len(kept) < 2:
        first = looked_at if looked_at in ids else next(iter(ids), None)
        kept = [BASE, *([first] if first else [])]
    evaluations = [one.id for one in done][:LISTED]
    return (
        relisted(
            [(f"{one.name or one.method} · {one.id}", one.id) for one in done][:LISTED],
            evaluation if evaluation in evaluations else next(iter(evaluations), None),
            evaluation,
        ),
        relisted([(text("votes.base"), BASE), *listed], kept, contestants),
        relisted(
            [(text("votes.questions.typed"), TYPED), *listed], questions if questions in ids else TYPED, questions
        ),
    )


def _writes(run: RunRecord) -> bool:
    return run.phase in (Phase.DONE, Phase.STOPPED) and bool(run.steps) and run.method not in SCORING


def chosen_settings(
    answers: str,
    evaluation: str | None,
    contestants: list[str] | None,
    questions: str | None,
    prompts: str,
    *values: Any,
) -> VotingSettings:
    """What the fields of a `VotingForm` say is voted on; `values` are those of its `GenerationForm`.

    Raises:
        PlaygroundError: there is no evaluation, or the fields contradict each other.
    """
    document: dict[str, Any] = {"evaluation": evaluation or ""}
    if answers == FINISHED and not evaluation:
        raise RunError(
            "There is no finished evaluation yet; make one in the Evaluate tab, or vote on answers of the loaded model."
        )
    if answers == LIVE:
        document = {
            "contestants": list(contestants or []),
            "questions": questions or "",
            "prompts": "" if questions else prompts,
            "generation": codec.encode_section(generation_settings(values)),
        }
    return codec.decode_section(VotingSettings, document)
