"""The endpoint against a real server that answers, stalls, is busy, talks nonsense and sends elsewhere."""

import logging
import threading
import time
from functools import partial
from typing import Any

import pytest

from playground.errors import Cancelled, ConfigError, ModelError, ModelUnavailable
from playground.judging import endpoint as module
from playground.judging.endpoint import AT_ONCE, TRIES, Endpoint, endpoint_from_environment
from tests.judging.server import KEY, Api, Reply, api, said


def judge(found: Api, **options: Any) -> Endpoint:
    return Endpoint(found.url, "judge-1", KEY, **{"seconds": 5.0, "pause": 0.01, **options})


def given(reply: Reply, _: dict[str, Any]) -> Reply:
    return reply


def ask(found: Endpoint, *prompts: str, stop: threading.Event | None = None) -> list[str]:
    return found.ask(prompts or ("How good?",), max_new_tokens=7, stop=stop or threading.Event())


def test_replies_come_in_order_a_few_at_a_time() -> None:
    def answer(body: dict[str, Any]) -> Reply:
        number = int(body["messages"][0]["content"])
        reply = said(f"reply {number}")
        reply.stall = 0.02 * (number % 3)
        return reply

    heard: list[int] = []
    with api(answer) as found:
        prompts = [str(number) for number in range(12)]
        replies = judge(found).ask(prompts, max_new_tokens=7, stop=threading.Event(), report=heard.append)
    assert replies == [f"reply {number}" for number in range(12)]
    assert heard == list(range(1, 13))
    assert 1 < found.most_at_once <= AT_ONCE
    assert set(found.keys) == {f"Bearer {KEY}"}
    first = found.asked[0]
    assert first["path"] == "/v1/chat/completions"
    assert (first["model"], first["temperature"], first["max_tokens"]) == ("judge-1", 0, 7)


def test_a_busy_endpoint_is_asked_again_and_not_for_ever() -> None:
    troubles = iter([Reply(429, headers={"retry-after": "0"}), Reply(503), said("ok")])
    with api(lambda _: next(troubles)) as found:
        assert ask(judge(found)) == ["ok"]
        assert len(found.asked) == 3
        found.answer = lambda _: Reply(429)
        with pytest.raises(ModelUnavailable, match=f"no reply in {TRIES} tries: it answers 429"):
            ask(judge(found))
        assert len(found.asked) == 3 + TRIES


def test_a_stalling_endpoint_is_given_up() -> None:
    with api(lambda _: Reply(stall=1.0)) as found, pytest.raises(ModelUnavailable, match=r"longer than 0\.1 s"):
        ask(judge(found, seconds=0.1))


def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        ask(Endpoint("http://127.0.0.1:9/v1", "judge-1", KEY, pause=0.01))


def test_a_redirect_is_not_followed() -> None:
    with api(lambda _: said("stolen")) as thief:
        elsewhere = Reply(307, headers={"location": f"{thief.url}/chat/completions"})
        with api(lambda _: elsewhere) as found, pytest.raises(ModelError, match="not followed") as caught:
            ask(judge(found))
    assert thief.asked == []
    assert thief.url not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>hello</html>", b"[]", b'{"choices": []}', b'{"choices": [{"message": {"content": null}}]}',
     b'{"choices": [{"message": {"content": 5}}]}', b"\xff\xfe", b"[" * 100_000, b'"' + b"x" * 2_100_000 + b'"'],
)  # fmt: skip
def test_nonsense_is_a_sentence(body: bytes) -> None:
    with api(lambda _: Reply(body=body)) as found, pytest.raises(ModelError, match="not a chat completion"):
        ask(judge(found))


@pytest.mark.parametrize(
    ("status", "says"), [(401, "refuses the key"), (403, "refuses the key"), (404, "usually with /v1"), (400, "400")]
)
def test_a_refusal_is_told_at_once(status: int, says: str) -> None:
    with api(lambda _: Reply(status, body=KEY.encode())) as found, pytest.raises(ModelError, match=says):
        ask(judge(found))
    assert len(found.asked) == 1


def test_the_key_and_the_address_are_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    texts = []
    with caplog.at_level(logging.DEBUG):
        for reply in (Reply(401), Reply(404), Reply(302, headers={"location": "/x"}), Reply(body=b"?"), Reply(500)):
            with api(partial(given, reply)) as found, pytest.raises(ModelError) as caught:
                ask(judge(found))
            texts += [str(caught.value), repr(judge(found)).replace(found.url, "")]
            assert found.url not in str(caught.value)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert KEY not in "\n".join(texts) + logged


def test_a_stop_ends_the_waiting() -> None:
    stop = threading.Event()
    with api(lambda _: Reply(503)) as found:
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            ask(judge(found, pause=20), *["again"] * 6, stop=stop)
        assert time.monotonic() - began < 10


def test_one_failure_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    with api(lambda _: Reply(401)) as found:
        with pytest.raises(ModelError, match="key"):
            ask(judge(found), *["again"] * 50)
        assert len(found.asked) < 10


def test_the_environment_names_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (module.URL_VARIABLE, module.MODEL_VARIABLE, module.KEY_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    assert not module.endpoint_is_set()
    with pytest.raises(ConfigError, match="set PLAYGROUND_JUDGE_URL and PLAYGROUND_JUDGE_MODEL"):
        endpoint_from_environment()
    monkeypatch.setenv(module.MODEL_VARIABLE, "judge-1")
    for wrong in (
        "ftp://x/v1",
        "localhost:8000",
        "http://ann:secret@x/v1",
        "http://x/v1?key=secret",
        "http://x:port/v1",
    ):
        monkeypatch.setenv(module.URL_VARIABLE, wrong)
        with pytest.raises(ConfigError, match="must be an address") as caught:
            endpoint_from_environment()
        assert "secret" not in str(caught.value)
    monkeypatch.setenv(module.URL_VARIABLE, "http://127.0.0.1:8000/v1/")
    found = endpoint_from_environment()
    assert found.address == "http://127.0.0.1:8000/v1/chat/completions"
    assert Endpoint("http://x/v1/chat/completions", "m").address == "http://x/v1/chat/completions"
    assert found._headers() == {}
