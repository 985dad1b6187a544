"""An hour of a room: the app's memory while people come, look, click and leave, phones follow, and small runs train.

    python -m benchmarks.room_hour [--minutes 60]

The real app with the bundled model. Every ten seconds somebody opens the page (what one real Chromium asked for when
it opened, replayed), clicks twice, stays half a minute and leaves: 360 in an hour. Ten phones poll what is on stage
and vote. Every four minutes a run of ten steps trains, and answers beside the base model. Reported is the resident
memory of the app's process each minute; workers, which end with their jobs, are not in it. Pages that have gone are
kept a quarter of an hour, so it may rise until then, and should be flat after.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from benchmarks.machine import describe
from benchmarks.room_load import Times, phone, something_to_vote_on
from benchmarks.visit import Visit, record
from playground.ui.sessions import KEPT
from tests.browser.conftest import Server, running_app

RESULTS = Path(__file__).parent / "results" / "room_hour.json"
VISIT_EVERY, STAY, RUN_EVERY = 10.0, 30.0, 240.0
"""Seconds."""
PHONES = 10
OWNER = "whoever-trains-in-this-benchmark"


def main() -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--kept", type=Path, default=RESULTS)
    options = parser.parse_args()
    machine = describe()
    with tempfile.TemporaryDirectory() as folder:
        something_to_vote_on(Path(folder))
        with running_app(Path(folder), PLAYGROUND_MODEL="tiny") as server:
            server.wait_for("ready")
            found = asyncio.run(measured(server, record(server), options.minutes))
    results = {"minutes": options.minutes, **found, "machine": machine}
    options.kept.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


async def measured(server: Server, visit: Visit, minutes: int) -> dict[str, Any]:
    """The memory by the minute, and how it goes on once pages that have gone are forgotten."""
    process, ended, counts = psutil.Process(server.process.pid), asyncio.Event(), {"visits": 0, "runs": 0}
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)  # the server closes after five seconds
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(server.url, connector=connector, timeout=timeout) as web:
        people = [phone(web, Times(), ended, number) for number in range(PHONES)]
        tasks = [
            asyncio.create_task(doing)
            for doing in (*people, come_and_go(web, visit, ended, counts), train(web, ended, counts))
        ]
        sizes = [_mib(process)]
        for _ in range(minutes):
            await asyncio.sleep(60)
            sizes.append(_mib(process))
        ended.set()
        await asyncio.gather(*tasks)
    settled = sizes[int(KEPT.total_seconds() / 60) + 1 :]
    slope = statistics.linear_regression(range(len(settled)), settled).slope if len(settled) > 1 else None
    return {"rss_mib": sizes, "mib_per_hour_once_settled": slope and round(60 * slope, 1), **counts}


async def come_and_go(web: aiohttp.ClientSession, visit: Visit, ended: asyncio.Event, counts: dict[str, int]) -> None:
    """One visitor after the other, several at a time."""
    there: set[asyncio.Task[None]] = set()
    while not ended.is_set():
        there.add(asyncio.create_task(stay(web, visit)))
        counts["visits"] += 1
        await asyncio.sleep(VISIT_EVERY)
        for task in [task for task in there if task.done()]:
            there.remove(task)
            task.result()
    await asyncio.gather(*there)


async def stay(web: aiohttp.ClientSession, visit: Visit) -> None:
    """One visit."""
    await visit.load(web, cached=True)
    async with visit.opened(web) as session:
        for _, click in session.clicks():
            await asyncio.sleep(STAY / 3)
            await click()
        await asyncio.sleep(STAY / 3)


async def train(web: aiohttp.ClientSession, ended: asyncio.Event, counts: dict[str, int]) -> None:
    """A short run now and then, whose adapter then answers beside the base model."""
    config = {"model": "tiny", "training": {"max_steps": 10, "sample_steps": 0}}
    for seed in itertools.count():
        document = {**config, "training": {**config["training"], "seed": seed}}  # type: ignore[dict-item]
        run = (await called(web, "start_run", [document, OWNER]))["run"]
        begun = time.monotonic()
        while not ended.is_set() and time.monotonic() < begun + RUN_EVERY:
            await asyncio.sleep(5)
            if (await called(web, "run_status", [run]))["phase"] == "done":
                await called(web, "generate", ["A question?", run, "", {"max_new_tokens": 16}, OWNER])
                counts["runs"] += 1
                break
        while not ended.is_set() and time.monotonic() < begun + RUN_EVERY:
            await asyncio.sleep(1)
        if ended.is_set():
            return


async def called(web: aiohttp.ClientSession, endpoint: str, data: list[Any]) -> dict[str, Any]:
    """An answer of the app's API."""
    async with web.post(f"gradio_api/call/{endpoint}", json={"data": data}) as answer:
        event = (await answer.json())["event_id"]
    async with web.get(f"gradio_api/call/{endpoint}/{event}") as stream:
        told = await stream.text()
    found: dict[str, Any] = json.loads(told.split("data: ", 1)[1].splitlines()[0])[0]
    return found


def _mib(process: psutil.Process) -> float:
    return float(round(process.memory_info().rss / 2**20, 1))


if __name__ == "__main__":
    main()
