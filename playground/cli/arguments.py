"""What the command line takes: verbs, their arguments and their help."""

import argparse

from playground.cli import keeping, taking, verbs
from playground.config.presets import ready_names

EPILOG = """\
exit codes: 0 done, 1 the run failed, 2 bad input, 130 stopped

  python -m playground serve
  python -m playground run sft-instructions --set training.max_steps=20
  python -m playground evaluate RUN --limit 64 --json
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

    evaluate = kinds.add_parser("evaluate", help="score a run against its base model on held-out rows")
    evaluate.add_argument("run", help="a run's id")
    evaluate.add_argument("--split", default="test", help="test (default), validation or train")
    evaluate.add_argument("--limit", type=int, help="answer at most this many rows")
    _add_set(evaluate, "generation.max_new_tokens=100")
    evaluate.set_defaults(verb=verbs.evaluate)

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

    for kind in (models, fetch, run, resume, stop, evaluate, runs, export, rename, delete):
        kind.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    return whole


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
