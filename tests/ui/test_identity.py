import gradio as gr
import pytest

from playground.errors import NotAllowed
from playground.ui import identity
from tests.ui.people import request

KEY = "a-key-of-more-than-twenty-letters"


def test_an_owner_id_does_not_give_the_key_away() -> None:
    owner = identity.owner_id(KEY)
    assert len(owner) == 16
    assert owner == identity.owner_id(KEY) != identity.owner_id(KEY + "x")
    assert KEY not in owner


def test_new_people_have_keys_of_their_own_that_are_long_enough() -> None:
    first, second = identity.new_person(), identity.new_person()
    assert first["key"] != second["key"]
    assert identity.identify(first, None).owner == identity.owner_id(first["key"])


@pytest.mark.parametrize("person", [None, "", {}, {"key": "short"}, {"key": 5}, [KEY]])
def test_without_a_key_nobody_is_known(person: object) -> None:
    with pytest.raises(NotAllowed, match="reload the page"):
        identity.identify(person, request())


@pytest.mark.parametrize(
    ("asked", "local"),
    [
        (request(), True),
        (request(host="localhost:7860"), True),
        (request("::1", host="[::1]:7860"), True),
        (request("192.168.1.7"), False),
        (request(host="evil.example:7860"), False),
        (request(x_forwarded_for="10.0.0.1"), False),
        (request(forwarded="for=10.0.0.1"), False),
        (request(via="1.1 proxy"), False),
        (None, False),
    ],
)
def test_only_this_machine_is_local(asked: gr.Request | None, local: bool) -> None:
    assert identity.is_local(asked) is local
    assert identity.is_host({"key": KEY, "host": ""}, asked) is local


def test_with_a_host_key_sitting_at_the_machine_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(identity.HOST_KEY_VARIABLE, "the-host-key")
    assert not identity.is_host({"key": KEY, "host": ""}, request())
    assert not identity.is_host({"key": KEY, "host": "another"}, request())
    assert not identity.is_host({"key": KEY, "host": None}, request())
    assert identity.is_host({"key": KEY, "host": "the-host-key"}, request("203.0.113.9"))


def test_a_run_is_its_owners_and_the_hosts() -> None:
    owner = identity.owner_id(KEY)
    far = request("192.168.1.7")
    assert identity.require_owner(owner, {"key": KEY}, far).owner == owner
    assert identity.require_owner(owner, identity.new_person(), request()).host
    with pytest.raises(NotAllowed, match="This run belongs to someone else"):
        identity.require_owner(owner, identity.new_person(), far)


def test_what_is_for_the_host_says_so() -> None:
    with pytest.raises(NotAllowed, match="Loading a folder is for the host only"):
        identity.require_host({"key": KEY}, request("192.168.1.7"), "Loading a folder")
