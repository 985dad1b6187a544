"""What each verb does. Every function takes the parsed arguments and gives an exit code; errors go up to `main`."""

import argparse
import contextlib
import difflib
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from playground.cli.exits import of_phase
from playground.cli.progress import Reporter, duration, following
from playground.config import codec, presets
from playground.config.run import RunConfig, RunRef
from playground.errors import ConfigError, RunError
from playground.runs import strict
from playground.runs.events import Phase
from playground.runs.records import RunRecord
from playground.runs.store import RunStore
from playground.runs.summary import summary


def serve(chosen: argparse.Namespace) -> int:
    """Starts the app and stays until it is ended."""
    from playground.ui.app import launch

    launch(host=chosen.host, port=chosen.port, share=chosen.share, root_path=chosen.root_path)
    return 0


def models(chosen: argparse.Namespace) -> int:
    """Lists the catalogue and what else is on this machine."""
    from playground.models import catalogue

    local = catalogue.available_locally()
    known = [
        {
            "name": entry.name,
            "title": entry.title,
            "hub_id": entry.hub_id,
            "parameters": entry.parameters,
            "context_length": entry.context_length,
            "licence": entry.licence,
            "download_bytes": entry.download_bytes,
            "note": entry.note,
            "local": entry.name in local,
        }
        for entry in catalogue.CATALOGUE
    ]
    names = {entry.name for entry in catalogue.CATALOGUE}
    others = [name for name in local if name not in names]
    if chosen.json:
        print_json({"models": known, "others": others})
        return 0
    for entry in catalogue.CATALOGUE:
        place = "here" if entry.name in local else f"{entry.download_bytes / 1e6:,.0f} MB to fetch"
        print(f"{entry.name:24}{entry.parameters / 1e6:7,.0f}M  {place:18}  {entry.title}. {entry.note}")
    for name in others:
        print(f"{name:24}{'':8}  here")
    return 0


def fetch(chosen: argparse.Namespace) -> int:
    """Brings a model here; progress on stderr, its folder on stdout. Ctrl-C leaves what came so far for next time."""
    from playground.models.fetch import resolve

    reporter = Reporter(sys.stderr)
    stop = threading.Event()
    try:
        folder = resolve(chosen.model, report=reporter.event, stop=stop)
    except KeyboardInterrupt:
        stop.set()
        raise
    finally:
        reporter.close()
    if chosen.json:
        print_json({"model": chosen.model, "folder": str(folder)})
    else:
        print(folder)
    return 0


def run(chosen: argparse.Namespace) -> int:
    """Does a run in this process, after checking what can be checked before it."""
    from playground.jobs.submission import submit

    document = presets.read(chosen.config)
    if not isinstance(document, Mapping):
        raise ConfigError([f"{chosen.config}: A config must be a JSON object; got {type(document).__name__}."])
    config = codec.decode(codec.with_overrides(document, chosen.assignments))
    store = RunStore()
    _check(config, store)
    return _do_run(store, submit(store, "run", codec.encode(config)), as_json=chosen.json)


def resume(chosen: argparse.Namespace) -> int:
    """Goes on with a run in this process, from its last checkpoint."""
    from playground.jobs import resumption

    store = RunStore()
    job = known_run(store, chosen.run).id
    resumption.resume(store, job)
    return _do_run(store, job, as_json=chosen.json)


def stop(chosen: argparse.Namespace) -> int:
    """Asks a run to stop, wherever on this machine it runs."""
    store = RunStore()
    record = known_run(store, chosen.run)
    if not record.phase.terminal and not store.alive(record):
        from playground.jobs.resumption import ABANDONED

        store.finish(record.id, Phase.INTERRUPTED, ABANDONED, attempt=record.attempt)
        asked = 0
        said = f"Nobody works on run {record.id} any more; it is marked as interrupted, and can be resumed."
    else:
        asked = store.request_stop(record.id)
        said = (
            f"Run {record.id} was asked to stop; it ends at its next step and saves."
            if asked == 1
            else f"Run {record.id} was asked to stop {asked} times; it is being ended."
        )
    if chosen.json:
        print_json({"run": record.id, "phase": str(store.get(record.id).phase), "asked": asked})
    else:
        print(said)
    return 0


def runs(chosen: argparse.Namespace) -> int:
    """Lists the runs, newest first."""
    store = RunStore()
    records = store.list("run", archived=None, limit=-1)
    if chosen.json:
        print_json({"runs": [summary(record, store.folder(record.id)) for record in records]})
        return 0
    for record in records:
        took = duration(record.seconds) if record.ended else ""
        loss = record.metrics.get("loss")
        shown = f"loss {loss:.4f}" if loss is not None else ""
        print(f"{record.id:14} {record.phase!s:12} {record.steps:6} steps {took:>8}  {shown:12}  {record.name}")
    if not records:
        print("There are no runs yet; begin with: python -m playground run sft-instructions", file=sys.stderr)
    return 0


def _do_run(store: RunStore, job: str, *, as_json: bool) -> int:
    """Does a queued run, says how it ended and what can be done next."""
    from playground.jobs.resumption import resumable

    record = foreground(store, job)
    result = summary(record, store.folder(job))
    if as_json:
        print_json(result)
        return of_phase(record.phase)
    _print_run(result)
    if record.phase is Phase.DONE:
        print(f"next     python -m playground evaluate {job}")
    elif resumable(record, store.folder(job)):
        print(f"next     python -m playground resume {job}")
    return of_phase(record.phase)


def foreground(store: RunStore, job: str) -> RunRecord:
    """Does a queued job in this process, reported on stderr, and gives it as it ended."""
    from playground.jobs.foreground import execute

    # Libraries that print would get between a script and the JSON it waits for; what they say of each other's future
    # is not for the person who waits for a run.
    with following(store, job), contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return execute(job, store)


def _check(config: RunConfig, store: RunStore) -> None:
    """Raises what is wrong with a run's model or data before there is a run, so that it reads as bad input."""
    from playground.data.splits import prepare

    if isinstance(config.model, RunRef):
        known_run(store, config.model.run)
    reporter = Reporter(sys.stderr)
    try:
        prepare(config.data, reporter.event)
        if isinstance(config.model, str):
            from playground.models.fetch import resolve

            resolve(config.model, report=reporter.event, stop=threading.Event())
    finally:
        reporter.close()


def known_run(store: RunStore, run: str) -> RunRecord:
    """The record of a run, or an error with the ids that look like it."""
    known = [record.id for record in store.list("run", archived=None, limit=-1)]
    if run in known:
        return store.get(run)
    close = difflib.get_close_matches(run, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else _newest(known)
    raise RunError(f"There is no run {run!r}; {hint}")


def _newest(known: Sequence[str]) -> str:
    if not known:
        return "there are no runs yet."
    return f"the newest are {', '.join(known[:3])}; `python -m playground runs` lists all."


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    print(strict.dumps(value))


def _print_run(result: Mapping[str, Any]) -> None:
    print(f"{result['phase']:8} {result['steps']} steps in {duration(result['seconds'])}")
    for name, value in result["metrics"].items():
        if name in ("loss", "eval_loss", "mean_token_accuracy", "eval_mean_token_accuracy"):
            print(f"{name:26} {value:.4f}" if value is not None else f"{name:26} not finite")
    if result["error"]:
        print(f"error    {result['error']}")
    print(f"run      {result['run']}")
    print(f"folder   {result['folder']}")
