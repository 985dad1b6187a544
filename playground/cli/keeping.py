"""Renaming and deleting what is kept: runs and evaluations, by their ids."""

import argparse

from playground.errors import PlaygroundError, RunError
from playground.runs import deletion, strict
from playground.runs.store import RunStore


def rename(chosen: argparse.Namespace) -> int:
    """Gives a run another name."""
    store = RunStore()
    name = store.rename(_known(store, chosen.run), chosen.name)
    print(strict.dumps({"run": chosen.run, "name": name}) if chosen.json else f"Run {chosen.run} is called {name} now.")
    return 0


def delete(chosen: argparse.Namespace) -> int:
    """Deletes runs for good, or their checkpoints alone; those that stay are told, and the rest goes all the same.

    Raises:
        RunError: not all of it could be done.
    """
    store = RunStore()
    take = deletion.free_checkpoints if chosen.checkpoints else deletion.delete
    freed: dict[str, int] = {}
    problems: list[str] = []
    # Given in any order, none goes before what stands on it.
    for run in sorted(
        dict.fromkeys(_known(store, run) for run in chosen.runs), key=lambda one: -store.get(one).created
    ):
        try:
            freed[run] = take(store, run)
        except PlaygroundError as error:
            problems.append(str(error))
    if not chosen.json:
        for run, size in freed.items():
            print(f"{run:14} {size / 1e6:8.1f} MB came back")
    if problems:
        raise RunError("\n".join(problems))
    if chosen.json:
        print(strict.dumps({"freed": freed}))
    return 0


def _known(store: RunStore, run: str) -> str:
    from playground.cli.verbs import known_run

    kinds = {record.id: record.kind for record in store.list(archived=None, limit=-1)}
    return run if kinds.get(run) == "evaluation" else known_run(store, run).id
