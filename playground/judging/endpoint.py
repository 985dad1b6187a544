"""An OpenAI-compatible endpoint as judge: address, model and key come from the environment and go nowhere else.

The key stands in no setting, no message and no log; errors name the status and what to do, never what was sent, nor
what the endpoint's headers or addresses hold.
"""

import json
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from playground.errors import Cancelled, ConfigError, ModelError, ModelUnavailable

URL_VARIABLE = "PLAYGROUND_JUDGE_URL"
MODEL_VARIABLE = "PLAYGROUND_JUDGE_MODEL"
KEY_VARIABLE = "PLAYGROUND_JUDGE_KEY"
PATH = "/chat/completions"
TRIES = 4
AT_ONCE = 4
"""Requests under way at a time."""
LONGEST_WAIT = 30.0
"""Seconds that are waited before a request is made again, at most."""
MOST_BYTES = 2_000_000
"""Of one reply."""
POLL_SECONDS = 0.2
TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True)
class Endpoint:
    """Where a judge is asked."""

    url: str
    """Of the version's root, such as `https://api.example.com/v1`, or of `/chat/completions` itself."""
    model: str
    key: str = field(default="", repr=False)
    seconds: float = 60.0
    """For one reply."""
    pause: float = 1.0
    """Seconds before the second try; doubled for each further one."""

    @property
    def title(self) -> str:
        """For people: the model that is asked for; not where."""
        return self.model

    @property
    def address(self) -> str:
        """Where requests go."""
        root = self.url.rstrip("/")
        return root if root.endswith(PATH) else root + PATH

    def ask(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int,
        stop: threading.Event,
        report: Callable[[int], None] = lambda _: None,
    ) -> list[str]:
        """One reply per prompt, in their order.

        Args:
            report: told how many replies are there.

        Raises:
            ModelUnavailable: the endpoint cannot be reached, is too slow or too busy, after several tries.
            ModelError: it refuses, or what it sends is not a reply.
            Cancelled: `stop` was set.
        """
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every address
        # Never followed: what answers elsewhere must not get the key.
        limits = httpx.Limits(max_connections=AT_ONCE)
        timeout = httpx.Timeout(self.seconds, connect=min(10.0, self.seconds))
        replies = [""] * len(prompts)
        halt = threading.Event()
        with (
            httpx.Client(follow_redirects=False, timeout=timeout, limits=limits, headers=self._headers()) as client,
            ThreadPoolExecutor(AT_ONCE, thread_name_prefix="judging") as pool,
        ):
            asked = {
                pool.submit(self._one, client, prompt, max_new_tokens, (stop, halt)): place
                for place, prompt in enumerate(prompts)
            }
            try:
                for done, future in enumerate(as_completed(asked), start=1):
                    replies[asked[future]] = future.result()
                    report(done)
            except BaseException:
                halt.set()
                pool.shutdown(cancel_futures=True)
                raise
        return replies

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def _one(self, client: httpx.Client, prompt: str, max_new_tokens: int, stops: Sequence[threading.Event]) -> str:
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": max_new_tokens,
        }
        trouble = ""
        for number in range(TRIES):
            _pause(0, stops)
            wait = min(LONGEST_WAIT, self.pause * 2**number) * random.uniform(0.75, 1.25)
            try:
                with client.stream("POST", self.address, json=body) as response:
                    if response.status_code not in TRY_AGAIN:
                        return self._read(response)
                    trouble = f"it answers {response.status_code}"
                    wait = _asked_to_wait(response, wait)
            except httpx.TimeoutException:
                trouble = f"it takes longer than {self.seconds:g} s"
            except httpx.RequestError as error:
                trouble = f"it cannot be reached ({type(error).__name__})"
            if number + 1 < TRIES:
                _pause(wait, stops)
        raise ModelUnavailable(
            f"The judge's endpoint gave no reply in {TRIES} tries: {trouble}. Try again later, or see that "
            f"{URL_VARIABLE} is right."
        )

    def _read(self, response: httpx.Response) -> str:
        status = response.status_code
        if response.is_redirect:
            raise ModelError(
                f"The judge's endpoint sends requests elsewhere ({status}), which is not followed, since the "
                f"key would go along; set {URL_VARIABLE} to where it really is."
            )
        if status in (401, 403):
            raise ModelError(f"The judge's endpoint refuses the key ({status}); set {KEY_VARIABLE} anew.")
        if status == 404:
            raise ModelError(
                f"The judge's endpoint has no such address or model (404); {URL_VARIABLE} ends before "
                f"{PATH}, usually with /v1, and {MODEL_VARIABLE} names a model that is served there."
            )
        if status != 200:
            raise ModelError(
                f"The judge's endpoint refuses the request ({status}); see that {MODEL_VARIABLE} names a "
                "chat model with room for the prompt."
            )
        return self._text(_limited(response))

    def _text(self, body: bytes | None) -> str:
        try:
            content = json.loads(body or b"")["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError, RecursionError):
            content = None
        if not isinstance(content, str):
            raise ModelError(
                f"What the judge's endpoint sends is not a chat completion; see that {URL_VARIABLE} is the "
                "address of an OpenAI-compatible API."
            )
        return content


def endpoint_from_environment() -> Endpoint:
    """The endpoint that the environment names.

    Raises:
        ConfigError: address or model are missing, or the address is none.
    """
    url, model = os.environ.get(URL_VARIABLE, "").strip(), os.environ.get(MODEL_VARIABLE, "").strip()
    missing = [name for name, value in ((URL_VARIABLE, url), (MODEL_VARIABLE, model)) if not value]
    if missing:
        problem = (
            f"No judge's endpoint is set up: set {' and '.join(missing)} where the app is started, such as "
            f"{URL_VARIABLE}=http://127.0.0.1:8000/v1, and {KEY_VARIABLE} if it wants a key."
        )
        raise ConfigError([problem])
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        right = False
    if not right or parts.username or parts.query:
        raise ConfigError(
            [f"{URL_VARIABLE} must be an address such as https://api.example.com/v1, without user, password and query."]
        )
    return Endpoint(url, model, os.environ.get(KEY_VARIABLE, "").strip())


def endpoint_is_set() -> bool:
    """Whether the environment names an endpoint, right or wrong."""
    return bool(os.environ.get(URL_VARIABLE) and os.environ.get(MODEL_VARIABLE))


def _pause(seconds: float, stops: Sequence[threading.Event]) -> None:
    """Waits, and leaves by Cancelled as soon as one of the events is set."""
    until = time.monotonic() + seconds
    while not any(stop.is_set() for stop in stops):
        left = until - time.monotonic()
        if left <= 0:
            return
        stops[0].wait(min(left, POLL_SECONDS))
    raise Cancelled("Stopped while judging.")


def _asked_to_wait(response: httpx.Response, usual: float) -> float:
    """Seconds by the header Retry-After, within bounds."""
    written = response.headers.get("retry-after", "")
    return min(LONGEST_WAIT, max(usual, float(written))) if written.isdecimal() else usual


def _limited(response: httpx.Response) -> bytes | None:
    """The body, None where it is too long."""
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)
