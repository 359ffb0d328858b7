"""The whole path on each engine: Kafka, classes and plain functions, Kafka."""

from __future__ import annotations

import pytest

from tests.engines.accounts import commands, deposits, questions
from tests.engines.program import LIFE, Command
from tests.engines.rig import Rig

LIFE_MS = int(LIFE.total_seconds() * 1000)


def test_typed_messages_of_two_topics_reach_the_handlers_of_one_class(accounts: Rig) -> None:
    accounts.send("deposits", deposits([("union", 5), ("union", 7)]))
    accounts.send("commands", commands("union", Command("ask", "hello")))
    assert accounts.wait("union", "deposit", 2) == [
        {"what": "deposit", "seen": 1, "total": 5},
        {"what": "deposit", "seen": 2, "total": 12},
    ]
    assert accounts.wait("union", "told")[0]["text"] == "HELLO"


def test_a_class_sends_to_a_plain_function_which_keeps_a_state_of_its_own(accounts: Rig) -> None:
    accounts.send("questions", questions("before"))
    [before] = accounts.wait("before", "ledger")
    accounts.send("deposits", deposits([("left", 3), ("right", 4)]))
    accounts.wait("left", "deposit")
    accounts.wait("right", "deposit")
    accounts.send("questions", questions("after"))
    [after] = accounts.wait("after", "ledger")
    assert (after["entries"] - before["entries"], after["sum"] - before["sum"]) == (2, 7)


def test_a_coroutine_replies_to_the_plain_method_that_asked(accounts: Rig) -> None:
    accounts.send("commands", commands("asking", Command("ask", "who is there")))
    [told] = accounts.wait("asking", "told")
    assert (told["text"], told["sender"]) == ("WHO IS THERE", "engines/echo/asking")


def test_a_delayed_message_is_never_early(accounts: Rig) -> None:
    delays = [0, 1, 300, 1500]
    accounts.send("commands", commands("waiting", *(Command("later", str(each), each) for each in delays)))
    told = accounts.wait("waiting", "told", len(delays))
    assert sorted(int(each["text"]) for each in told) == delays
    # The engine's clock has whole milliseconds, so what it calls a delay may be up to one shorter.
    assert [each for each in told if each["milliseconds"] < int(each["text"]) - 1] == []
    assert {each["sender"] for each in told} == {"engines/account/waiting"}


def test_a_cancelled_message_never_arrives_and_an_armed_one_replaces_its_forerunner(accounts: Rig) -> None:
    if accounts.version == "2.2.2":
        pytest.skip("the protocol of StateFun 2.2 has no cancellation")
    accounts.send(
        "commands",
        commands(
            "cancelling",
            Command("arm", "taken back", 3000),
            Command("arm", "replaced", 2999),
            Command("arm", "replaced", 3000),
            Command("cancel", "taken back"),
            Command("cancel", "never armed"),
            # Due behind all of these, so it tells when there is nothing more to wait for.
            Command("later", "the end", 5000),
        ),
    )
    accounts.reader.until(lambda _: "the end" in [each["text"] for each in accounts.values("cancelling", "told")])
    assert [each["text"] for each in accounts.values("cancelling", "told")] == ["replaced", "the end"]


def test_two_function_types_with_one_id_may_arm_the_same_token(accounts: Rig) -> None:
    """The engine knows tokens by the id alone; the wire token holds the function type."""
    if accounts.version == "2.2.2":
        pytest.skip("the protocol of StateFun 2.2 has no cancellation")
    before = accounts.engine.restarts()
    accounts.send("commands", commands("twin", Command("arm", "token", 200), Command("ask", "arm")))
    accounts.reader.until(lambda _: len(accounts.values("twin", "told")) >= 3)
    assert sorted(each["text"] for each in accounts.values("twin", "told")) == ["ARM", "armed by the echo", "token"]
    assert accounts.engine.restarts() == before


def test_what_expires_is_gone_and_what_does_not_is_there(accounts: Rig) -> None:
    def read(account: str, count: int) -> dict[str, object]:
        accounts.send("commands", commands(account, Command("read")))
        found: dict[str, object] = accounts.wait(account, "read", count)[-1]
        return found

    accounts.send("commands", commands("mortal", Command("write", "kept"), Command("read")))
    assert accounts.wait("mortal", "read")[-1] == {"what": "read", "note": "kept", "written": "kept", "called": "kept"}
    accounts.send("commands", commands("clock", Command("later", "over", LIFE_MS + 500)))
    accounts.wait("clock", "told")
    assert read("mortal", 2) == {"what": "read", "note": "kept", "written": None, "called": None}


def test_a_call_keeps_alive_what_expires_after_a_call_and_not_what_expires_after_a_write(accounts: Rig) -> None:
    pause = LIFE_MS // 6
    calls = [Command("later", "a call", each) for each in range(pause, 2 * LIFE_MS, pause)]
    accounts.send(
        "commands", commands("called", Command("write", "kept"), *calls, Command("read later", number=2 * LIFE_MS))
    )
    assert accounts.wait("called", "read") == [{"what": "read", "note": "kept", "written": None, "called": "kept"}]


def test_a_deleted_state_is_absent(accounts: Rig) -> None:
    what = ("write", "read", "delete", "read", "write", "delete", "write", "read")
    accounts.send("commands", commands("deleting", *(Command(each, f"{number}") for number, each in enumerate(what))))
    assert [each["note"] for each in accounts.wait("deleting", "read", 3)] == ["0", None, "6"]


def test_a_record_has_the_key_that_it_was_given_or_none(accounts: Rig) -> None:
    accounts.send("commands", commands("a key of ünïcode", Command("keyless"), Command("read")))
    accounts.wait("a key of ünïcode", "read")
    assert {"what": "keyless", "id": "a key of ünïcode"} in accounts.values(None, "keyless")
