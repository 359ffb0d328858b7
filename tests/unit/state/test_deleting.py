"""Deleting a state, and what it reads then."""

from __future__ import annotations

from statefun import (
    LONG,
    STRING,
)
from statefun.batch import TypedBytes
from tests.unit.rig import Engine
from tests.unit.state.doing import HERE, TAGS, Do, deleting, doing, reading, setting


def test_assigning_none_deletes(engine: Engine) -> None:
    doing(engine, clear=setting("note", None), read=reading("note"))
    engine.store(HERE, "note", "x", STRING)
    assert engine.send(HERE, "clear", "read").states == {"note": None}
    assert engine.state(HERE, "note") is None
    assert Do.seen == [None, None]


def test_del_deletes(engine: Engine) -> None:
    doing(engine, clear=deleting("note"), read=reading("note"))
    engine.store(HERE, "note", "x", STRING)
    assert engine.send(HERE, "clear").states == {"note": None}
    engine.send(HERE, "read")
    assert Do.seen == [None, None]


def test_the_last_of_set_and_del_wins(engine: Engine) -> None:
    doing(engine, set=setting("note", "y"), clear=deleting("note"), none=setting("note", None))
    engine.store(HERE, "note", "x", STRING)
    assert engine.send(HERE, "clear", "set").states == {"note": "y"}
    assert engine.send(HERE, "set", "clear").states == {"note": None}
    engine.store(HERE, "note", "x", STRING)
    assert engine.send(HERE, "set", "none", "set", "none").states == {"note": None}


def test_a_delete_of_a_state_that_the_request_does_not_hold_is_left_out(engine: Engine) -> None:
    doing(engine, set=setting("note", "y"), clear=deleting("note"), none=setting("count", None))
    assert engine.send(HERE, "clear", "none").nothing
    assert engine.send(HERE, "set", "clear").nothing


def test_after_del_a_state_with_a_default_reads_its_default(engine: Engine) -> None:
    doing(engine, clear=deleting("count"), read=reading("count"), forget=deleting("tags"), tags=reading("tags"))
    engine.store(HERE, "count", 5, LONG)
    engine.store(HERE, "tags", ["x"], TAGS)
    assert engine.send(HERE, "read", "clear", "read", "forget", "tags").states == {"count": None, "tags": None}
    assert Do.seen == [5, None, 0, None, ["first"]]


def test_after_del_a_default_that_is_changed_in_place_is_written(engine: Engine) -> None:
    def tag(function: Do) -> None:
        function.tags.append("z")

    doing(engine, forget=deleting("tags"), tag=tag)
    engine.store(HERE, "tags", ["first", "z"], TAGS)
    answer = engine.send(HERE, "forget", "tag")
    assert answer.states == {"tags": TypedBytes("test/tags", b'["first","z"]')}


def test_after_del_a_changed_object_of_before_is_not_written(engine: Engine) -> None:
    def change(function: Do) -> None:
        held = function.tags
        del function.tags
        held.append("lost")

    doing(engine, change=change)
    engine.store(HERE, "tags", ["x"], TAGS)
    assert engine.send(HERE, "change").states == {"tags": None}


def test_deleting_reads_nothing(engine: Engine) -> None:
    """A state of another type than declared can be deleted, so that its function can be mended."""
    doing(engine, clear=deleting("count"))
    engine.store(HERE, "count", "a text", STRING)
    assert engine.send(HERE, "clear").states == {"count": None}
