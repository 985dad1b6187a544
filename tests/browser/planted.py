"""A home in which script is planted in every text that somebody could have brought, and how to tell that it is dead."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page, expect

from playground.config import codec
from playground.config.run import RunConfig
from playground.evaluation.subject import EXAMPLES
from playground.models import catalogue
from playground.runs import strict
from playground.runs.events import Event, Log, Metric, Phase, PhaseChange, Sample
from playground.runs.store import RunStore
from playground.tour import journey
from playground.tour.journey import Tour
from tests.evaluation.finished_runs import data_file, finished_run
from tests.ui.evaluations import finished_evaluation

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
    || found.matches('img[src="x"]') || (found.localName === 'script' && /^window.hurt/.test(found.textContent)),
)?.outerHTML ?? null
"""
"""What ran, or could run, of what was planted."""
STEPS = 5


class Planted(NamedTuple):
    """What stands in the home."""

    model: Path
    """The model in the box, whose end-of-text token is `SHORT`, in a folder of that name."""
    tuned: str
    """A run on it that can be asked."""
    failed: str
    done: str
    evaluation: str


def plant(home: Path) -> Planted:
    """Fills an empty home."""
    store = RunStore(home)
    model = planted_model(home / "models" / SHORT)
    tuned = finished_run(store, model, data_file(home), name=NAMED)
    with store.database.writing() as connection:
        connection.execute("UPDATE runs SET steps = ? WHERE id = ?", (STEPS, tuned))
    evaluation = finished_evaluation(store, tuned, rows=3, name=NAMED)
    path = store.folder(evaluation) / EXAMPLES
    examples = json.loads(path.read_text(encoding="utf-8"))
    for example in examples:
        example |= {name: f"{PLANTED} {example[name]}" for name in ("instruction", "input", "reference")}
        example["answers"] = {model: f"{PLANTED} {answer}" for model, answer in example["answers"].items()}
    strict.write(path, examples)
    failed = told_run(store, Phase.FAILED)
    done = told_run(store, Phase.DONE)  # the newest is what the host would put on stage
    store.close()
    return Planted(model, tuned, failed, done, evaluation)


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
    run = store.create("run", document, method="sft", model=f"{SHORT}/model", name=NAMED, owner="")
    said: list[Event] = [
        *(Metric(step, {"loss": 2.0 / step, METRIC: 1.0}) for step in range(1, STEPS + 1)),
        Sample(STEPS, 0, f"prompt {PLANTED}", f"answer {PLANTED}", f"reference {PLANTED}"),
        Log(f"log {PLANTED}", "warning"),
    ]
    store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING), *said])
    store.append(run, [PhaseChange(phase, f"reason {PLANTED}")])
    return run


def plant_tour(home: Path, owner: str, failed: str) -> None:
    """The tour of a person, which ended with a reason."""
    store = RunStore(home)
    journey.save(Tour(owner, "tiny", jobs={"sft": failed}, state="failed", reason=f"reason {PLANTED}"), store)
    store.close()


def harmless(page: Page) -> None:
    """Fails where something that was planted is more than text."""
    assert page.evaluate(ALIVE) is None


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
