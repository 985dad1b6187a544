"""Results of evaluations as JSON values: as scripts have them since the first version, and as the page reads them.

The first version knew two sides, `base` and `tuned`. Its keys are still written; its documents are still read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from playground.evaluation.subject import BASE

METRICS = ("bleu", "chrf", "rougeL", "exact_match")
"""Those that `base`, `tuned` and `significance` hold."""
TUNED = "tuned"


def two_sided(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report with the base and the run that is evaluated also as `base`, `tuned`, `significance` and `judge`."""
    base, tuned = report["models"][:2]
    sides = {BASE: base, TUNED: tuned}
    found: dict[str, Any] = {
        **report,
        **{side: {name: model["scores"][name] for name in METRICS} for side, model in sides.items()},
        "significance": {
            "resamples": report["resamples"],
            "p": {name: tuned["p"][name] for name in METRICS},
            "may_be_noise": [name for name in METRICS if name in tuned["may_be_noise"]],
            "intervals": {side: {name: model["intervals"][name] for name in METRICS} for side, model in sides.items()},
        },
    }
    for verdict in report["judges"]:
        if verdict["kind"] == "reward_model":
            first, second = verdict["models"][:2]
            rate = {name: value for name, value in second.items() if name not in ("id", "mean", "may_be_noise")}
            known = {"run": verdict["run"], "name": verdict["name"]}
            found["judge"] = {**known, **rate, BASE: first["mean"], TUNED: second["mean"]}
    return found


def result_of(result: Mapping[str, Any], run: str) -> dict[str, Any]:
    """A result with `models` and `judges`, whichever version wrote it.

    Args:
        run: the id of the run that was evaluated.
    """
    if "models" in result:
        return dict(result)
    sure = result.get("significance") or {}
    models = [
        {
            "id": model,
            "name": "",
            "base": "",
            "scores": dict(result[side]),
            "intervals": sure.get("intervals", {}).get(side, {}),
            "p": {} if side == BASE else sure.get("p", {}),
            "may_be_noise": [] if side == BASE else sure.get("may_be_noise", []),
            "confusion": None,
        }
        for side, model in ((BASE, BASE), (TUNED, run))
    ]
    judges = [_verdict_of(result["judge"], run)] if result.get("judge") else []
    return {**result, "resamples": sure.get("resamples"), "models": models, "judges": judges}


def examples_of(examples: Sequence[Mapping[str, Any]], run: str) -> list[dict[str, Any]]:
    """Examples with the answers by the models' ids, whichever version wrote them.

    What judges give as a number stands among the scores too, as `judge_1` and on, to be sorted and taken away alike.
    """
    return [_with_judges(dict(example) if "answers" in example else _example_of(example, run)) for example in examples]


def _with_judges(example: dict[str, Any]) -> dict[str, Any]:
    scores = {model: dict(own) for model, own in example["scores"].items()}
    for number, said in enumerate(example.get("judges", []), start=1):
        if all(isinstance(said.get(model), int | float) for model in scores):
            for model, own in scores.items():
                own[f"judge_{number}"] = said[model]
    return {**example, "scores": scores}


def _verdict_of(judge: Mapping[str, Any], run: str) -> dict[str, Any]:
    rate = {name: judge[name] for name in ("win_rate", "interval", "wins", "ties", "losses")}
    low, high = judge["interval"]
    tuned = {"id": run, "mean": judge[TUNED], **rate, "may_be_noise": low <= 0.5 <= high}
    models = [{"id": BASE, "mean": judge[BASE]}, tuned]
    return {"kind": "reward_model", "run": judge["run"], "name": judge["name"], "models": models}


def _example_of(example: Mapping[str, Any], run: str) -> dict[str, Any]:
    def renamed(sides: Mapping[str, Any]) -> dict[str, Any]:
        return {BASE: sides[BASE], run: sides[TUNED]}

    asked = {name: example[name] for name in ("row", "instruction", "input", "reference")}
    judges = [renamed(example["judge"])] if "judge" in example else []
    return {**asked, "answers": renamed(example), "scores": renamed(example["scores"]), "judges": judges}
