"""A home in which script is planted in every text that somebody could have brought, and how to tell that it is dead."""

import gzip
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from playwright.sync_api import Page, expect

from playground.config import codec
from playground.config.run import RunConfig
from playground.evaluation.subject import EXAMPLES
from playground.models import catalogue
from playground.runs import recordings, steps, strict
from playground.runs.events import Event, Log, Metric, Phase, PhaseChange, Sample, Snapshot
from playground.runs.store import RunStore
from playground.tour import journey
from playground.tour.journey import Tour
from playground.voting import lessons
from playground.voting.arena import RUN
from playground.voting.lessons import Lesson
from tests.evaluation.finished_runs import finished_run
from tests.evaluation.test_judge import reward_run
from tests.ui.evaluations import finished_evaluation
from tests.ui.finished_lessons import finished_lesson

SHORT = '<img src=x onerror="window.hurt=1">'
"""Fits into a name, also into that of a folder or of a token."""
NAMED = f"{SHORT} <b>n</b> $x$ **n** %{{x}}"
METRIC = f"{SHORT} <b>n</b>"
PLANTED = (
    f"{SHORT}<script>window.hurt=1</script><svg onload=window.hurt=1> [x](javascript:window.hurt=1) **b** "
    "$\\href{javascript:window.hurt=1}{x}$ {{value}} ${window.hurt=1} &lt;b&gt;"
)
ALIVE = """
() => window.hurt ? 'it ran' : [...document.querySelectorAll('*')].find((found) =>
    [...found.attributes].some(({ name, value }) => /^on|src|href$|^style$/.test(name) && value.includes('hurt'))
    || found.matches('img[src="x"]') || (found.localName === 'script' && /^window.hurt/.test(found.textContent))
    || (found.textContent === 'n' && found.matches('b, strong, tspan[style*=bold]')) || found.matches('.katex'),
)?.outerHTML ?? null
"""
"""What ran, or could run, of what was planted, or is shown as something else than its letters: Plotly and Markdown have
a markup that runs nothing."""
STEPS = 5
FIGURED = ("reward", "ppo", "dpo", "orpo", "sft-prompt_tuning")
"""Recordings with texts in their figures; between them every figure that shows one."""


class Planted(NamedTuple):
    """What stands in the home."""

    model: Path
    """The model in the box, whose end-of-text token is `SHORT`, in a folder of that name."""
    tuned: str
    """A run on it that can be asked."""
    judge: str
    """A reward model on it that can be asked too."""
    failed: str
    done: str
    figured: tuple[str, ...]
    """A run for each of `FIGURED`."""
    evaluation: str


def plant(home: Path) -> Planted:
    """Fills an empty home."""
    store = RunStore(home)
    model = planted_model(home / "models" / SHORT)
    rows = planted_rows(home / f"{SHORT} $x$.json")
    tuned = finished_run(store, model, rows, name=NAMED)
    document = json.dumps({**store.get(tuned).document, "model": model.name})  # as the app calls what lies in its home
    with store.database.writing() as connection:
        connection.execute("UPDATE runs SET steps = ?, document = ? WHERE id = ?", (STEPS, document, tuned))
    with steps.writing(store.folder(tuned), STEPS):
        pass  # a step to evaluate beside the run
    judge = reward_run(store, model, rows)
    store.rename(judge, NAMED)
    evaluation = planted_evaluation(store, tuned, model)
    lessons.save(planted_lesson("lesson-222222", tuned, evaluation, "failed"), store)
    lessons.save(planted_lesson("lesson-333333", tuned, evaluation, "done"), store)
    figured = tuple(figured_run(store, name) for name in FIGURED)
    failed = told_run(store, Phase.FAILED)
    done = told_run(store, Phase.DONE)  # the newest is what the host would put on stage
    store.close()
    return Planted(model, tuned, judge, failed, done, figured, evaluation)


def planted_rows(path: Path) -> Path:
    """A file of instructions, of which a run holds half out."""
    rows = [{"instruction": f"{n} {PLANTED}", "input": "", "output": f"{n} {PLANTED}"} for n in range(20)]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def planted_evaluation(store: RunStore, tuned: str, model: Path) -> str:
    """Planted in questions, answers, names, labels, and what a reward model and a language model as judges are called
    and say."""
    evaluation = finished_evaluation(store, tuned, rows=3, name=NAMED)
    path = store.folder(evaluation) / EXAMPLES
    examples = json.loads(path.read_text(encoding="utf-8"))
    for example in examples:
        example |= {name: f"{PLANTED} {example[name]}" for name in ("instruction", "input", "reference")}
        example["answers"] = {model: f"{PLANTED} {answer}" for model, answer in example["answers"].items()}
        example["judges"] = [{"base": 1.0, tuned: 2.0}, {}]
    strict.write(path, examples)
    rate = {"win_rate": 0.8, "interval": [0.6, 0.9], "wins": 2, "ties": 1, "losses": 0, "may_be_noise": False}
    mean = {"judged": 3, "mean": 20.0, "interval": [10.0, 30.0], "may_be_noise": True}
    scores = dict.fromkeys(("precision", "recall", "f1"), 0.5)
    labels = {"labels": [NAMED, METRIC], "counts": [[1, 0, 0], [0, 1, 1]], "macro_f1": 0.5, "classes": [scores, scores]}
    result = dict(store.get(evaluation).result or {})
    base, made = result["models"]
    result["models"] = [base, made | {"name": NAMED, "confusion": labels}]
    result["judges"] = [
        {
            "kind": "reward_model", "run": tuned, "name": METRIC,
            "models": [{"id": "base", "mean": 1.0}, {"id": tuned, "mean": 2.0, **rate}],
        },
        {
            "kind": "language_score", "name": NAMED, "replies": 6, "unreadable": 1,
            "raw": [{"id": tuned, "row": 100, "reply": f"reply {PLANTED}"}],
            "models": [{"id": "base", **mean}, {"id": tuned, **mean}],
        },
    ]  # fmt: skip
    store.set_result(evaluation, result)
    return evaluation


def planted_lesson(lesson: str, tuned: str, evaluation: str, state: Literal["failed", "done"]) -> Lesson:
    """A training on the votes of the evaluation, whose new pairs are the same ones."""
    return finished_lesson(
        tuned, voted=evaluation, taught=evaluation, id=lesson, pupil=f"{RUN}{tuned}", state=state,
        reason=f"reason {PLANTED}",
    )  # fmt: skip


def planted_model(folder: Path) -> Path:
    """A model that says `SHORT` where it ends a text."""
    source = catalogue.local_folder("tiny")
    assert source is not None
    shutil.copytree(source, folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        path = folder / name
        written = json.dumps(SHORT)[1:-1] if path.suffix == ".json" else SHORT.replace('"', '\\"')
        path.write_text(path.read_text(encoding="utf-8").replace("<|end|>", written), encoding="utf-8")
    return folder


def told_run(store: RunStore, phase: Phase) -> str:
    """A run with planted words in all that it said."""
    document = codec.encode(RunConfig()) | {"name": NAMED}
    document["data"] = {**document["data"], "source": f"/{phase}/{PLANTED}"}
    run = store.create("run", document, method="sft", model=f"{SHORT}/model", name=NAMED, owner="")
    said: list[Event] = [
        *(Metric(step, {"loss": 2.0 / step, METRIC: 1.0}) for step in range(1, STEPS + 1)),
        Sample(STEPS, 0, f"prompt {PLANTED}", f"answer {PLANTED}", f"reference {PLANTED}"),
        Log(f"log {PLANTED}", "warning"),
    ]
    store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING), *said])
    store.append(run, [PhaseChange(phase, f"reason {PLANTED}")])
    return run


def figured_run(store: RunStore, recording: str) -> str:
    """A run with the last figures of a recording, whose texts begin with planted ones."""
    found = json.loads(gzip.decompress(recordings.packed(recording)))
    method = found["run"]["method"]
    snapshots = [one for one in found["events"] if one["kind"] == "snapshot" and not one["data"].get("index")]
    figures = {one["name"]: one for one in snapshots}
    metrics = next(one for one in reversed(found["events"]) if one["kind"] == "metric")
    document = codec.encode(codec.decode({"name": NAMED, "method": method}))
    run = store.create("run", document, method=method, model=f"{SHORT}/model", name=NAMED, owner="")
    said = [Snapshot(one["step"], name, sown(one["data"])) for name, one in figures.items()]
    store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING)])
    store.append(run, [Metric(metrics["step"], metrics["values"]), *said, PhaseChange(Phase.DONE)])
    return run


def sown(value: Any) -> Any:
    """The same with a planted word in each of its texts."""
    if isinstance(value, Mapping):
        return {name: sown(one) for name, one in value.items()}
    if isinstance(value, list):
        return [sown(one) for one in value]
    return f"{SHORT}{value}" if isinstance(value, str) else value


def plant_tour(home: Path, owner: str, failed: str) -> None:
    """The tour of a person, which ended with a reason."""
    store = RunStore(home)
    journey.save(Tour(owner, "tiny", jobs={"sft": failed}, state="failed", reason=f"reason {PLANTED}"), store)
    store.close()


def harmless(page: Page) -> None:
    """Fails where something that was planted is more than text, also in a frame."""
    for frame in page.frames:
        assert frame.evaluate(ALIVE) is None


def hover(page: Page, figure: str, point: int) -> None:
    """Puts the label of a point on a chart, as the mouse would."""
    expect(page.locator(f"{figure} .point").first).to_be_attached()
    page.locator(figure).evaluate(
        """(figure, pointNumber) => {
          const plot = figure.closest('.js-plotly-plot') ?? figure.querySelector('.js-plotly-plot');
          Plotly.Fx.hover(plot, [{ curveNumber: plot.data.length - 1, pointNumber }]);
        }""",
        point,
    )
