"""Records finished runs for the page to play again: `python -m scripts.tiny.recordings RUN …`, one run per method
and kind of what learns.

The runs are those of this installation (`PLAYGROUND_HOME`); what names their owner or a place on the disk stays behind.
"""

import gzip
import json
import sys

from playground.runs.events import Progress
from playground.runs.recordings import ENDING, FOLDER
from playground.runs.store import RunStore
from playground.ui.run_views import run_row
from playground.ui.services import Services

LORA = "lora"


def record(services: Services, store: RunStore, run: str) -> str:
    """Writes one recording and says what it holds."""
    found = store.get(run)
    events, since = [], 0
    while (page := store.events(run, since=since)).events:
        events += [
            {"seq": seq, "kind": event.kind, "time": round(event.time, 3), **event.payload()}
            for seq, event in page.events
            if not (isinstance(event, Progress) and event.stage != "training")
        ]
        since = page.cursor
    row = run_row(services, found) | {"owner": "", "resumable": False}
    content = json.dumps({"run": row, "events": events}, allow_nan=False, separators=(",", ":"))
    FOLDER.mkdir(exist_ok=True)
    packed = gzip.compress(content.encode(), mtime=0)
    name = _name(found.method, str(found.document.get("adapter", {}).get("kind", LORA)))
    (FOLDER / f"{name}{ENDING}").write_bytes(packed)
    return f"{name}: {len(events)} events of {run}, {len(packed) / 1e3:.0f} kB"


def _name(method: str, learns: str) -> str:
    """A recording's name: its method, and what learns where that is no LoRA.

    >>> _name("sft", "lora"), _name("sft", "prompt_tuning")
    ('sft', 'sft-prompt_tuning')
    """
    return method if learns == LORA else f"{method}-{learns}"


def main() -> None:
    """Records the runs that were named."""
    services = Services("none")
    for run in sys.argv[1:]:
        print(record(services, services.store, run))
    services.close()


if __name__ == "__main__":
    main()
