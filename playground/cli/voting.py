"""The verb `votes`: what was voted on, and the votes on one of them as JSONL, without who voted."""

import argparse
from pathlib import Path

from playground.errors import PlaygroundError, RunError
from playground.runs import strict
from playground.runs.store import RunStore
from playground.voting.arena import title
from playground.voting.ballots import EVALUATION, Ballots
from playground.voting.export import exported


def votes(chosen: argparse.Namespace) -> int:
    """Lists the sources of pairs that were voted on; with one of them, prints or writes its votes.

    Raises:
        RunError: nobody voted on that.
        PlaygroundError: the file cannot be written.
    """
    store = RunStore()
    if chosen.source is None:
        return _listed(store, chosen)
    ballots = Ballots(store.database)
    source = chosen.source if chosen.source in ballots.sources() else f"{EVALUATION}{chosen.source}"
    found = exported(store.database, lambda name: title(name, store), source)
    if not found.pairs:
        raise RunError(f"Nobody voted on {chosen.source}; `python -m playground votes` lists what was voted on.")
    if chosen.to is None:
        print(found.text, end="")
        return 0
    try:
        Path(chosen.to).write_text(found.text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise PlaygroundError(f"{chosen.to} cannot be written ({error.strerror}); give another file.") from error
    if chosen.json:
        print(strict.dumps({"file": str(Path(chosen.to).absolute()), "pairs": found.pairs, "votes": found.votes}))
    else:
        print(f"{chosen.to}: {found.pairs} pairs, {found.votes} votes")
    return 0


def _listed(store: RunStore, chosen: argparse.Namespace) -> int:
    if chosen.to is not None:
        raise PlaygroundError("--to needs what was voted on: python -m playground votes SOURCE --to FILE")
    ballots = Ballots(store.database)
    found = []
    for source in ballots.sources():
        given = ballots.votes_on(source)
        voters = len({vote.owner for vote in given})
        found.append(
            {"source": source, "votes": len(given), "voters": voters, "pairs": len({vote.pair.key for vote in given})}
        )
    if chosen.json:
        print(strict.dumps({"sources": found}))
        return 0
    for row in found:
        print(f"{row['source']:40}{row['votes']:6} votes on {row['pairs']:5} pairs, voters: {row['voters']}")
    return 0
