"""A room at work: 50 people who open the page at once, then 100 phones and 30 open pages while a run trains.

    python -m benchmarks.room_load [MODEL] [--seconds 60] [--phones 100] [--pages 30] [--come 50]

The real app trains a real SFT run in its worker process. Phones poll `/room/now` as the audience page does and change
their vote; pages are what one real Chromium asked for when it opened, replayed: the files, the events, the heartbeat,
then status, the run's metrics and now and then a click that the server answers. All clients share the machine's cores
with the app, at nice 10, as no room's phones would, so every figure is on the careful side.

Reported: 95th percentile of polls, votes and clicks; steps per second of the run with the room and alone, by turns, and
the share of a core that the app and these clients took meanwhile; how long a page takes of many who come at once, with
an empty cache and with a full one, and until its fields are filled. Memory is in `room_hour.py`.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from benchmarks.clicks import start_run
from benchmarks.machine import describe
from benchmarks.model import DEFAULT, folder_of
from benchmarks.visit import Visit, record
from playground.runs.store import RunStore
from tests.browser.conftest import Server, running_app
from tests.ui.evaluations import finished_evaluation
from tests.ui.test_votes import tuned_run

RESULTS = Path(__file__).parent / "results" / "room_load.json"
BUDGETS = {"poll_ms": 1000, "vote_ms": 1000, "click_ms": 500, "speed": 0.9, "page_s": 5.0}
CLICK_EVERY = 12.0
"""Seconds between two clicks of one page."""
VOTE_EVERY = 10.0
ASKED = {"status": "playground/status", "runs": "playground/runs?kind=run"}
ASKED_EVERY = {"status": 4.0, "runs": 3.0}
"""Seconds between two questions of an open page, as in `status.js` and `train.js`; a run is followed each second."""
NICENESS = 10
ROUNDS = 3
"""Alone and with the room by turns: a machine has its moods."""


@dataclass
class Times:
    """Milliseconds by what was asked."""

    of: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0

    async def take(self, name: str, asking: Awaitable[Any]) -> Any:
        """The answer, whose time is kept."""
        begun = time.perf_counter()
        try:
            found = await asking
        except (TimeoutError, aiohttp.ClientError):
            self.failed += 1
            return None
        self.of.setdefault(name, []).append(1000 * (time.perf_counter() - begun))
        return found

    def summary(self) -> dict[str, Any]:
        """p50, p95 and how many."""
        found: dict[str, Any] = {name: spread(times) for name, times in sorted(self.of.items())}
        return {**found, "failed": self.failed}


def spread(times: list[float]) -> dict[str, float]:
    """Of milliseconds or seconds."""
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"p50": round(statistics.median(ordered), 2), "p95": round(p95, 2), "n": len(ordered)}


def main() -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", nargs="?", default=DEFAULT, help="catalogue name, or folder, of the default model")
    parser.add_argument(
        "--seconds", type=float, default=60, help="of the load, in rounds; before each the run is alone for as long"
    )
    parser.add_argument("--phones", type=int, default=100)
    parser.add_argument("--pages", type=int, default=30)
    parser.add_argument("--come", type=int, default=50, help="people who open the page at once")
    parser.add_argument("--kept", type=Path, default=RESULTS)
    options = parser.parse_args()
    machine = describe()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        model = _at_home(options.model, home)
        something_to_vote_on(home)
        with running_app(home, PLAYGROUND_MODEL=model) as server:
            server.wait_for("ready")
            visit = record(server)
            os.nice(NICENESS)  # the app has been started already
            found = asyncio.run(measured(server, visit, model, options))
    asked = {name: getattr(options, name) for name in ("seconds", "phones", "pages", "come")}
    results = {"budgets": BUDGETS, "model": model, "asked": asked, **found, "machine": machine}
    options.kept.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


async def measured(server: Server, visit: Visit, model: str, options: argparse.Namespace) -> dict[str, Any]:
    """All parts, one after the other."""
    found: dict[str, Any] = {}
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)  # the server closes after five seconds
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(server.url, connector=connector, timeout=timeout) as web:
        found["page"] = await coming(web, visit, options.come)
        run = await asyncio.to_thread(start_run, server, model)
        times, alone, with_room = Times(), [], []
        processes = {"app": psutil.Process(server.process.pid), "these_clients": psutil.Process()}
        cores = dict.fromkeys(processes, 0.0)
        for _ in range(ROUNDS):
            alone.append(await speed(web, run, options.seconds / ROUNDS))
            ended = asyncio.Event()
            people = [
                *(phone(web, times, ended, number) for number in range(options.phones)),
                *(open_page(web, visit, times, ended, run, number) for number in range(options.pages)),
            ]
            tasks = [asyncio.create_task(person) for person in people]
            await asyncio.sleep(5)  # until all are there
            before = {name: processor_seconds(process) for name, process in processes.items()}
            with_room.append(await speed(web, run, options.seconds / ROUNDS))
            for name, process in processes.items():
                cores[name] += (processor_seconds(process) - before[name]) / options.seconds
            ended.set()
            await asyncio.gather(*tasks)
            await asyncio.sleep(5)  # until all have gone
    found["run"] = {
        "steps_per_s_alone": [round(one, 3) for one in alone],
        "with_the_room": [round(one, 3) for one in with_room],
        "ratio": round(statistics.median(one / other for one, other in zip(with_room, alone, strict=True)), 3),
    }
    found["cores"] = {name: round(share, 3) for name, share in cores.items()}
    return {**found, "times_ms": times.summary()}


def processor_seconds(process: psutil.Process) -> float:
    """What a process itself has taken so far."""
    taken = process.cpu_times()
    return float(taken.user + taken.system)


async def speed(web: aiohttp.ClientSession, run: str, seconds: float) -> float:
    """Steps per second of a run, by the times that its own steps carry."""
    begun = time.time()
    await asyncio.sleep(seconds)
    async with web.get(f"playground/metrics?run={run}&since=0") as answer:
        events = (await answer.json())["events"]
    stamps = [event["time"] for event in events if event["kind"] == "metric" and event["time"] >= begun]
    return (len(stamps) - 1) / (stamps[-1] - stamps[0]) if len(stamps) > 2 else 0.0


async def coming(web: aiohttp.ClientSession, visit: Visit, people: int) -> dict[str, Any]:
    """Everybody opens the page at once, with an empty cache; then with a full one; then its fields are filled."""
    found: dict[str, Any] = {"requests": len(visit.files)}

    async def load(*, cached: bool) -> int:
        return await visit.load(web, cached=cached)

    async def fill() -> int:
        async with visit.opened(web):
            return 0

    ways: dict[str, Callable[[], Awaitable[int]]] = {
        "first": lambda: load(cached=False),
        "again": lambda: load(cached=True),
        "filled": fill,
    }
    for name, come in ways.items():
        begun = time.perf_counter()

        async def one(come: Callable[[], Awaitable[int]] = come, begun: float = begun) -> tuple[float, int]:
            size = await come()
            return time.perf_counter() - begun, size

        done = await asyncio.gather(*(one() for _ in range(people)))
        found[f"{name}_s"] = spread([seconds for seconds, _ in done])
        found[f"{name}_bytes"] = done[0][1]
    return found


async def phone(web: aiohttp.ClientSession, times: Times, ended: asyncio.Event, number: int) -> None:
    """The audience page: polls, and now and then answers."""
    headers = {"X-Room-Key": f"phone-of-a-benchmark-{number:05d}"}
    tag, vote_at = "", time.perf_counter() + VOTE_EVERY * number / 100
    await asyncio.sleep(1.5 * (number % 100) / 100)
    while not ended.is_set():
        told = await times.take("poll_phone", _now(web, {**headers, "If-None-Match": tag}))
        tag, pair = told or (tag, "")
        if time.perf_counter() > vote_at:
            vote_at = time.perf_counter() + VOTE_EVERY
            await times.take("vote", _vote(web, headers, pair))
        await asyncio.sleep(1.5)


async def _now(web: aiohttp.ClientSession, headers: dict[str, str]) -> tuple[str, str]:
    async with web.get("room/now", headers=headers) as answer:
        shown = await answer.json() if answer.status == 200 else {}
        return answer.headers.get("ETag", ""), str(shown.get("pair", ""))


async def _vote(web: aiohttp.ClientSession, headers: dict[str, str], pair: str) -> None:
    async with web.post("room/vote", headers=headers, json={"pair": pair, "choice": "left"}) as answer:
        await answer.read()


async def open_page(
    web: aiohttp.ClientSession, visit: Visit, times: Times, ended: asyncio.Event, run: str, number: int
) -> None:
    """A page with the Train tab open: asks for the run, the list of runs and the status as often as it, and clicks."""
    async with visit.opened(web) as session:
        now = time.perf_counter()
        cursor, click_at = 0, now + CLICK_EVERY * number / 30
        due = {name: now + every * number / 30 for name, every in ASKED_EVERY.items()}
        clicks: list[tuple[str, Callable[[], Awaitable[Any]]]] = session.clicks()
        while not ended.is_set():
            for name, every in ASKED_EVERY.items():
                if time.perf_counter() > due[name]:
                    due[name] += every
                    await times.take(f"poll_{name}", _read(web, ASKED[name]))
            told = await times.take("poll_metrics", _read(web, f"playground/metrics?run={run}&since={cursor}"))
            cursor = json.loads(told)["cursor"] if told else cursor
            if time.perf_counter() > click_at:
                click_at += CLICK_EVERY
                name, click = clicks[number % len(clicks)]
                number += 1
                await times.take(f"click_{name}", click())
            await asyncio.sleep(1.0)


async def _read(web: aiohttp.ClientSession, path: str) -> bytes:
    async with web.get(path) as answer:
        return await answer.read()


def _at_home(model: str, home: Path) -> str:
    """The name to load by; a model of the catalogue that has to be fetched is linked into the home."""
    if model == "tiny":
        return model
    (home / "models").mkdir()
    (home / "models" / DEFAULT).symlink_to(folder_of(model).resolve(), target_is_directory=True)
    return DEFAULT


def something_to_vote_on(home: Path) -> None:
    """Leaves a finished evaluation in a home."""
    store = RunStore(home)
    finished_evaluation(store, tuned_run(store), rows=8)
    store.close()


if __name__ == "__main__":
    main()
