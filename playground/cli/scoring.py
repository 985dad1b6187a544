"""Scoring runs on held-out rows: who answers, the table that is printed, and the answers as a file."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playground.cli.exits import of_phase
from playground.cli.verbs import foreground, known_run, print_json
from playground.config import codec
from playground.config.evaluation import EvaluationSettings
from playground.runs.events import Phase
from playground.runs.store import RunStore
from playground.runs.summary import summary

WORDS = {
    "accuracy": "accuracy",
    "bleu": "BLEU",
    "chrf": "chrF",
    "rougeL": "ROUGE-L",
    "exact_match": "exact match",
    "perplexity": "perplexity of the reference",
    "distinct_1": "distinct-1",
    "distinct_2": "distinct-2",
    "length_words": "length in words",
    "length_tokens": "length in tokens",
}
"""Metrics in the order in which they are printed."""
THREE_DIGITS = ("accuracy", "exact_match", "distinct_1", "distinct_2")


def evaluate(chosen: argparse.Namespace) -> int:
    """Scores a run, and others beside it, against its base in this process."""
    from playground.evaluation import course_form
    from playground.evaluation.subject import check_judge, held_out, run_of, subjects_of
    from playground.jobs.submission import submit

    store = RunStore()
    evaluated = known_run(store, chosen.run)
    for other in chosen.others:
        known_run(store, run_of(other))
    judge = known_run(store, chosen.judge).id if chosen.judge else ""
    file = Path(chosen.examples) if chosen.examples else None
    if file is not None:
        course_form.check_name(file)
    given = {
        "run": evaluated.id,
        "others": chosen.others,
        "split": chosen.split,
        "limit": chosen.limit,
        "judge": judge,
        "judging": {"model": chosen.judge_model, "way": chosen.judge_way},
    }
    settings = codec.decode_section(EvaluationSettings, codec.with_overrides(given, chosen.assignments))
    held_out(subjects_of(settings, store)[0], settings)
    check_judge(settings)
    job = submit(store, "evaluation", codec.encode_section(settings))
    record = foreground(store, job)
    result = summary(record, store.folder(job))
    if file is not None and record.phase is Phase.DONE:
        course_form.write(file, _answers(result, store.folder(job), settings.run))
    if chosen.json:
        print_json(result)
    elif record.phase is Phase.DONE:
        _print_scores(result, file)
    else:
        print(f"{record.phase}: {record.reason}")
    return of_phase(record.phase)


def _answers(result: Mapping[str, Any], folder: Path, run: str) -> list[dict[str, str | float]]:
    from playground.evaluation.course_form import rows_of
    from playground.evaluation.documents import examples_of
    from playground.evaluation.subject import EXAMPLES

    names = {model["id"]: model["name"] for model in result["models"]}
    return rows_of(examples_of(codec.parse((folder / EXAMPLES).read_text(encoding="utf-8")), run), names)


def _print_scores(result: Mapping[str, Any], file: Path | None) -> None:
    """Every model's line under every metric: the score, its interval, the difference from the base and its p."""
    models = result["models"]
    print(f"{result['examples']} rows of the {result['split']} share, answered by {len(models)} models")
    width = max(len(_called(model)) for model in models) + 2
    for name, shown in WORDS.items():
        if name in models[0]["scores"]:
            print(f"\n{shown}")
            for model in models:
                print(_line(model, models[0], name, width))
    print(f"\nin brackets: 95 % intervals; p: {result['resamples']:,} resamples of the rows, against the base")
    for model in models if result["labels_by"] else ():
        if model["trained_parameters"]:
            print(f"{_called(model)}: {model['trained_parameters']:,} numbers trained")
    for verdict in result["judges"]:
        _print_verdict(verdict, {model["id"]: _called(model) for model in models})
    print(result["signature"])
    print(f"every example: {file or Path(result['folder']) / 'examples.json'}")


def _line(model: Mapping[str, Any], base: Mapping[str, Any], metric: str, width: int) -> str:
    digits = 3 if metric in THREE_DIGITS else 2
    score, (low, high) = model["scores"][metric], model["intervals"][metric]
    told = f"  {_called(model):{width}}{score:10.{digits}f}  [{low:.{digits}f}, {high:.{digits}f}]"
    if model is base:
        return told
    p = model["p"].get(metric)
    if p is None:
        return f"{told}  not comparable: another tokenizer"
    noise = ", may be noise" if metric in model["may_be_noise"] else ""
    return f"{told}  {score - base['scores'][metric]:+.{digits}f} (p {p:.3f}{noise})"


def _called(model: Mapping[str, Any]) -> str:
    return "base" if model["id"] == "base" else str(model["id"])


def _print_verdict(verdict: Mapping[str, Any], names: Mapping[str, str]) -> None:
    if verdict["kind"] != "reward_model":
        _print_language_verdict(verdict, names)
        return
    base, *others = verdict["models"]
    for model in others:
        low, high = (100 * end for end in model["interval"])
        print(
            f"{verdict['name']} prefers {names[model['id']]} to the base in {100 * model['win_rate']:.1f} % of rows "
            f"(95 % interval {low:.1f} to {high:.1f}{', may be noise' if model['may_be_noise'] else ''}): "
            f"{model['wins']} wins, {model['ties']} ties, {model['losses']} losses; mean score {model['mean']:.2f}, "
            f"base {base['mean']:.2f}"
        )


def _print_language_verdict(verdict: Mapping[str, Any], names: Mapping[str, str]) -> None:
    for model in verdict["models"]:
        if not model.get("judged"):
            continue
        if verdict["kind"] == "language_score":
            low, high = model["interval"]
            said = f"{names[model['id']]}: {model['mean']:.1f} of 100 (95 % interval {low:.1f} to {high:.1f})"
        else:
            low, high = (100 * end for end in model["interval"])
            said = (
                f"{names[model['id']]} preferred to the base in {100 * model['win_rate']:.1f} % of rows (95 % interval "
                f"{low:.1f} to {high:.1f}): {model['wins']} wins, {model['ties']} ties, {model['losses']} losses"
            )
        noise = ", may be noise" if model.get("may_be_noise") else ""
        print(f"{verdict['name']} judges {said}{noise}; {model['judged']} verdicts read")
    print(f"{verdict['name']}: {verdict['unreadable']} of {verdict['replies']} verdicts could not be read")
