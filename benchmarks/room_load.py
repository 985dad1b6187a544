"""A room at work: 50 people who open the page at once, then 100 phones and 30 open pages while a run trains.

    python -m benchmarks.room_load [MODEL] [--seconds 60] [--phones 100] [--pages 30] [--come 50]

The real app trains a real SFT run in its worker process. Phones follow `/room/now` as the audience page does, and vote
again and again; pages are what one real Chromium asked for when it opened, replayed: the files, the events, the
heartbeat, then status, the run's metrics and now and then a click that the server answers. All clients share the
machine's cores with the app, at nice 10, as no room's phones would, so every time is on the careful side.

Reported: 95th percentile of polls, votes and clicks; tokens per second of the run alone, with the room, and beside as
much idle work as these clients did, by turns, with the share of a core that the app and the clients took; how long a
page takes of many who come at once, with an empty cache and with a full one, and until its fields are filled. Memory is
in `room_hour.py`.
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
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
from playground.ui.long_polling import LONGEST
from tests.browser.conftest import Server, running_app
from tests.ui.evaluations import finished_evaluation
from tests.ui.test_votes import tuned_run

RESULTS = Path(__file__).parent / "results" / "room_load.json"
BUDGETS = {"poll_ms": 1000, "vote_ms": 1000, "click_ms": 500, "speed": 0.9, "page_s": 5.0}
CLICK_EVERY = 12.0
"""Seconds between two clicks of one page."""
POLL_EVERY = 1.5
VOTE_EVERY = 10.0
ASKED = {"status": "playground/status", "runs": "playground/runs?kind=run"}
ASKED_EVERY = {"status": 4.0, "runs": 3.0}
"""Seconds between two questions of an open page, as in `status.js` and `train.js`; a run is followed each second."""
NICENESS = 10
BURST = 0.0005
"""Seconds."""
ROUNDS = 5
"""By turns: a machine has its moods."""


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


@dataclass
class Speeds:
    """Tokens per second of the run, by round."""

    alone: list[float] = field(default_factory=list)
    with_room: list[float] = field(default_factory=list)
    beside_work: list[float] = field(default_factory=list)
    """Nobody there, and as much work as the clients did beside it: what the run would keep if they were elsewhere."""

    def summary(self) -> dict[str, Any]:
        """The rounds, and the median of what the run keeps of its speed with the room."""

        def kept(of: list[float]) -> float:
            return round(statistics.median(room / other for room, other in zip(self.with_room, of, strict=True)), 3)

        rounds = {f"tokens_per_s_{name}": [round(one, 1) for one in found] for name, found in vars(self).items()}
        return {**rounds, "ratio": kept(self.alone), "ratio_to_beside_work": kept(self.beside_work)}


def main() -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", nargs="?", default=DEFAULT, help="catalogue name, or folder, of the default model")
    parser.add_argument(
        "--seconds",
        type=float,
        default=180,
        help="of the load; the run is measured as long alone and beside other work",
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
        times, speeds = Times(), Speeds()
        processes = {"app": psutil.Process(server.process.pid), "these_clients": psutil.Process()}
        cores = dict.fromkeys(processes, 0.0)
        seconds = options.seconds / ROUNDS
        for _ in range(ROUNDS):
            speeds.alone.append(await speed(web, run, seconds))
            ended = asyncio.Event()
            people = [
                *(phone(web, times, ended, number) for number in range(options.phones)),
                *(open_page(web, visit, times, ended, run, number) for number in range(options.pages)),
            ]
            tasks = [asyncio.create_task(person) for person in people]
            await asyncio.sleep(5)  # until all are there
            before = {name: processor_seconds(process) for name, process in processes.items()}
            speeds.with_room.append(await speed(web, run, seconds))
            shares = {name: (processor_seconds(one) - before[name]) / seconds for name, one in processes.items()}
            cores = {name: cores[name] + share / ROUNDS for name, share in shares.items()}
            ended.set()
            await asyncio.gather(*tasks)
            await asyncio.sleep(5)  # until all have gone
            work = asyncio.create_task(idle_work(shares["these_clients"]))
            speeds.beside_work.append(await speed(web, run, seconds))
            work.cancel()
    found["run"] = speeds.summary()
    found["cores"] = {name: round(share, 3) for name, share in cores.items()}
    return {**found, "times_ms": times.summary()}


def processor_seconds(process: psutil.Process) -> float:
    """What a process itself has taken so far."""
    taken = process.cpu_times()
    return float(taken.user + taken.system)


async def speed(web: aiohttp.ClientSession, run: str, seconds: float) -> float:
    """Tokens per second of a run, by the times that its own steps carry; steps differ in length."""
    begun = time.time()
    await asyncio.sleep(seconds)
    async with web.get(f"playground/metrics?run={run}&since=0") as answer:
        events = (await answer.json())["events"]
    steps = [
        one for one in events if one["kind"] == "metric" and one["time"] >= begun and "num_tokens" in one["values"]
    ]
    if len(steps) < 3:
        raise SystemExit(
            f"The run made {len(steps)} steps in {seconds:.0f} s, too few to measure; give more --seconds."
        )
    first, last = steps[0], steps[-1]
    return float((last["values"]["num_tokens"] - first["values"]["num_tokens"]) / (last["time"] - first["time"]))


async def idle_work(share: float) -> None:
    """Takes so large a share of a core, in bursts as short as a poll, until it is cancelled."""
    while True:
        begun = time.thread_time()
        while time.thread_time() - begun < BURST:
            pass
        await asyncio.sleep(BURST / share - BURST)


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
    """The audience page: follows what is on stage, and now and then votes."""
    headers = {"X-Room-Key": f"phone-of-a-benchmark-{number:05d}"}
    await asyncio.sleep(POLL_EVERY * (number % 100) / 100)
    told = await times.take("poll_phone", _now(web, headers))
    if told is None:
        return
    tag, pair = told
    following = asyncio.create_task(_follow(web, times, ended, {**headers, "If-None-Match": tag}))
    await _until(ended, VOTE_EVERY * number / 100)
    for choice in itertools.cycle(("left", "right", "tie")):
        if ended.is_set():
            break
        await times.take("vote", _vote(web, headers, pair, choice))
        await _until(ended, VOTE_EVERY)
    await following


async def _follow(web: aiohttp.ClientSession, times: Times, ended: asyncio.Event, headers: dict[str, str]) -> None:
    """Polls that the server holds for as long as nothing changes, which is always here; kept is by how much longer."""
    held = {**headers, "Prefer": f"wait={LONGEST:.0f}"}
    while not ended.is_set():
        begun = time.perf_counter()
        try:
            await _now(web, held)
        except (TimeoutError, aiohttp.ClientError):
            times.failed += 1
        taken = time.perf_counter() - begun
        times.of.setdefault("poll_phone", []).append(1000 * max(0.0, taken - LONGEST))
        await _until(ended, max(0.0, POLL_EVERY - taken))


async def _until(ended: asyncio.Event, seconds: float) -> None:
    """Waits, or until all is over."""
    with suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), seconds)


async def _now(web: aiohttp.ClientSession, headers: dict[str, str]) -> tuple[str, str]:
    """The tag of what is on stage, and the pair to vote on where it is sent."""
    async with web.get("room/now", headers=headers) as answer:
        answer.raise_for_status()
        shown = await answer.json() if answer.status == 200 else {}
        return answer.headers["ETag"], str(shown.get("pair", ""))


async def _vote(web: aiohttp.ClientSession, headers: dict[str, str], pair: str, choice: str) -> None:
    async with web.post("room/vote", headers=headers, json={"pair": pair, "choice": choice}) as answer:
        answer.raise_for_status()
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
