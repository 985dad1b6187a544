"""What the command line takes: verbs, their arguments and their help."""

import argparse

from playground.cli import keeping, scoring, taking, touring, verbs, voting
from playground.config.presets import ready_names
from playground.tour.plan import PLANS

EPILOG = """\
exit codes: 0 done, 1 the run failed, 2 bad input, 130 stopped

  python -m playground serve
  python -m playground run sft-instructions --set training.max_steps=20
  python -m playground evaluate RUN --limit 64 --json
  python -m playground tour
"""

EVALUATE = """\
Every model answers the same held-out rows of the run's data, in its template, with the same random numbers: the base,
the run, and those given by --with. Each gets BLEU, chrF, ROUGE-L, exact match, the perplexity of the references,
distinct-1 and -2, lengths, and for labels accuracy and confusion; every score with its 95 % interval, every difference
from the base with its p-value, and with a word where it may be noise.

  python -m playground evaluate RUN --with RUN2 --with RUN3@40      further runs, and one as it was at step 40
  python -m playground evaluate RUN --split validation --limit 64 --judge REWARD_RUN
  python -m playground evaluate RUN --examples answers.csv          instruction, input, output, model_response, scores
  python -m playground evaluate RUN --json                          the whole report, on stdout

In a .csv, a text that a spreadsheet would take for a formula (it begins with =, +, - or @) has an apostrophe in front.
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(
        prog="python -m playground",
        description="Post-training playground: tune language models, compare and score them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = whole.add_subparsers(title="verbs", required=True, metavar="VERB")

    serve = kinds.add_parser("serve", help="start the app in the browser")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s: this machine)")
    serve.add_argument("--port", type=_port, default=7860, help="port to listen on (default %(default)s)")
    serve.add_argument("--share", action="store_true", help="open a public gradio.live link, for people elsewhere")
    serve.add_argument("--root-path", default="", help="folder under which a proxy shows the app, such as /playground")
    serve.set_defaults(verb=verbs.serve, json=False)

    models = kinds.add_parser("models", help="list the models known by name and those on this machine")
    models.set_defaults(verb=verbs.models)

    fetch = kinds.add_parser("fetch", help="bring a model onto this machine, and print its folder")
    fetch.add_argument("model", help="a catalogue name, a Hub id or a folder")
    fetch.set_defaults(verb=verbs.fetch)

    run = kinds.add_parser("run", help="do a run here and now; Ctrl-C stops and saves, twice ends it")
    run.add_argument("config", help=f"a JSON file, or a ready config: {', '.join(ready_names())}")
    _add_set(run, "training.max_steps=20; every path is in assets/configs/schema.json")
    run.set_defaults(verb=verbs.run)

    resume = kinds.add_parser("resume", help="go on with a run that was stopped, failed or interrupted, here and now")
    resume.add_argument("run", help="a run's id")
    resume.set_defaults(verb=verbs.resume)

    stop = kinds.add_parser("stop", help="ask a run to stop at its next step and save; asked twice, it is ended")
    stop.add_argument("run", help="a run's id")
    stop.set_defaults(verb=verbs.stop)

    evaluate = kinds.add_parser(
        "evaluate",
        help="score a run against its base model on held-out rows, and others beside it",
        description=EVALUATE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    evaluate.add_argument("run", help="a run's id")
    evaluate.add_argument(
        "--with",
        dest="others",
        metavar="RUN[@STEP]",
        action="append",
        default=[],
        help="a further run, or a saved step of a run, that answers the same rows; may be repeated",
    )
    evaluate.add_argument("--split", default="test", help="test (default), validation or train")
    evaluate.add_argument("--limit", type=int, help="answer at most this many rows")
    _add_judges(evaluate)
    evaluate.add_argument("--examples", metavar="FILE", help="write every answer to a .json or .csv file")
    _add_set(evaluate, "generation.max_new_tokens=100")
    evaluate.set_defaults(verb=scoring.evaluate)

    tour = _add_tour(kinds)

    runs = kinds.add_parser("runs", help="list the runs, newest first")
    runs.set_defaults(verb=verbs.runs)

    export = kinds.add_parser("export", help="take away what a run gives: weights, settings, figures, a script")
    export.add_argument("run", help="a run's id")
    export.add_argument("--to", required=True, metavar="DIR", help="a folder that is new or empty")
    export.add_argument(
        "--what",
        metavar="PARTS",
        help="some of adapter,merged,config,metrics,script,notebook; all that the run can give without it",
    )
    export.set_defaults(verb=taking.export)

    rename = kinds.add_parser("rename", help="give a run another name")
    rename.add_argument("run", help="a run's id")
    rename.add_argument("name", help="its new name")
    rename.set_defaults(verb=keeping.rename)

    delete = kinds.add_parser("delete", help="delete runs that have ended, for good, and give their disk back")
    delete.add_argument("runs", nargs="+", metavar="run", help="ids of runs or evaluations")
    delete.add_argument("--checkpoints", action="store_true", help="only their checkpoints; what they learnt stays")
    delete.set_defaults(verb=keeping.delete)

    for kind in (models, fetch, run, resume, stop, evaluate, tour, runs, export, _add_votes(kinds), rename, delete):
        kind.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    return whole


def _add_judges(evaluate: argparse.ArgumentParser) -> None:
    evaluate.add_argument("--judge", default="", help="a reward model's run that says which answers are better")
    evaluate.add_argument(
        "--judge-model",
        metavar="REF",
        default="",
        help="a language model that judges in words: a model, run:ID, or endpoint for the one of PLAYGROUND_JUDGE_URL",
    )
    evaluate.add_argument(
        "--judge-way", default="score", help="score (default) from 0 to 100, or pair: the better of two, in both orders"
    )


def _add_tour(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    tour = kinds.add_parser("tour", help="SFT, reward model, PPO, DPO, win rate and BLEU in one go; a table at the end")
    tour.add_argument(
        "--model",
        default=PLANS[0].model,
        help=" or ".join(f"{plan.model} (about {plan.minutes} minutes on two cores)" for plan in PLANS),
    )
    tour.add_argument("--continue", dest="go_on", action="store_true", help="go on with the last tour that did not end")
    _add_set(tour, "sft.training.max_steps=20: the stage, then the path")
    tour.set_defaults(verb=touring.tour)
    return tour


def _add_votes(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    votes = kinds.add_parser("votes", help="list what was voted on, or take the votes away as JSONL, without who voted")
    votes.add_argument(
        "source", nargs="?", help="an evaluation's id, or a source of the list that is printed without it"
    )
    votes.add_argument("--to", metavar="FILE", help="a file to write; stdout without it")
    votes.set_defaults(verb=voting.votes)
    return votes


def _add_set(kind: argparse.ArgumentParser, example: str) -> None:
    kind.add_argument(
        "--set",
        dest="assignments",
        metavar="PATH=VALUE",
        action="append",
        default=[],
        help=f"change a setting; VALUE is JSON or else a text; may be repeated ({example})",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535; got {text!r}")
    return int(text)
