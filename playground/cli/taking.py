"""The verb `export`: what a run gives to take away, into a folder."""

import argparse
import sys
import threading
from pathlib import Path

from playground.cli.progress import Reporter
from playground.runs import strict
from playground.runs.store import RunStore


def export(chosen: argparse.Namespace) -> int:
    """Writes what was asked for, or all that the run can give, and says what is there and what is not."""
    from playground.cli.verbs import known_run
    from playground.export import bundle
    from playground.export.subject import subject_of

    wanted = bundle.named_parts(chosen.what) if chosen.what is not None else None
    store = RunStore()
    subject = subject_of(known_run(store, chosen.run).id, store)
    lacking = {part: why for part, why in bundle.possible_parts(subject).items() if why}
    parts = wanted or tuple(part for part in bundle.PARTS if part not in lacking)
    reporter = Reporter(sys.stderr)
    stop = threading.Event()
    try:
        files = bundle.export(bundle.Order(subject, store, True, reporter.event, stop), Path(chosen.to), parts)
    finally:
        reporter.close()
    left_out = {} if wanted else lacking
    if chosen.json:
        folder = str(Path(chosen.to).expanduser().absolute())
        print(strict.dumps({"run": chosen.run, "folder": folder, "files": files, "left_out": left_out}))
        return 0
    for name in files:
        print(Path(chosen.to) / name)
    for part, why in left_out.items():
        print(f"no {part}: {why}", file=sys.stderr)
    return 0
