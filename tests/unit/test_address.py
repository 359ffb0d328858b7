"""Addresses, function types and egresses: their text and wire forms, what makes two of them equal, what they refuse."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any

import pytest

from statefun import Address, Egress, FunctionType
from statefun.address import parse_typename
from statefun.errors import AddressError, TypenameError

BOB = FunctionType[int]("example/greeter").at("bob")


def test_an_address_has_its_parts_under_the_names_of_the_seed_and_of_the_engines() -> None:
    assert (BOB.namespace, BOB.type, BOB.identity, BOB.id, BOB.typename()) == (
        "example",
        "greeter",
        "bob",
        "bob",
        "example/greeter",
    )
    assert (str(BOB), repr(BOB)) == ("example/greeter/bob", "Address('example/greeter/bob')")


def test_an_address_is_one_value_to_format_and_copy_and_no_tuple() -> None:
    assert ("%s" % BOB, f"{BOB}", "{}".format(BOB)) == ("example/greeter/bob",) * 3  # noqa: UP031, UP032  every way, on purpose
    assert deepcopy(BOB) == copy(BOB) == BOB
    assert (BOB.function_type, BOB.identity) != BOB
    with pytest.raises(TypeError):
        iter(BOB)


@pytest.mark.parametrize("text", ["a/b/c", "a/b/c/d", "a/b//", "é/ü/日本", "a/b/ "])
def test_the_text_form_is_read_back(text: str) -> None:
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize("text", ["", "a", "a/b", "a/b/", "/b/c", "a//c", "//", None, 5, b"a/b/c"])
def test_a_text_that_is_no_address_is_refused(text: Any) -> None:
    with pytest.raises(AddressError) as caught:
        Address.parse(text)
    assert caught.value.hint


def test_addresses_are_equal_and_hashed_by_their_text_form() -> None:
    other = Address.parse("example/greeter/bob")
    assert other == BOB
    assert hash(other) == hash(BOB)
    assert len({BOB, other, FunctionType[str]("example/greeter").at("bob")}) == 1
    assert Address.parse("example/greeter/eve") != BOB
    assert Address.parse("example/other/bob") != BOB


def test_function_types_and_egresses_are_equal_by_their_typename() -> None:
    for named in (FunctionType, Egress):
        assert named[int]("a/b") == named[str]("a/b") == named("a/b")
        assert named("a/b") != named("a/c")
        assert len({named("a/b"), named("a/b")}) == 1
    assert FunctionType("a/b") != Egress("a/b")


@pytest.mark.parametrize("name", ["typename", "namespace", "name"])
def test_function_types_and_egresses_do_not_change(name: str) -> None:
    for named in (FunctionType("a/b"), Egress("a/b")):
        with pytest.raises(AttributeError):
            setattr(named, name, "c")


def test_addresses_do_not_change() -> None:
    for name in ("identity", "function_type"):
        with pytest.raises(AttributeError):
            setattr(BOB, name, "eve")


def test_what_a_function_type_accepts_is_its_parameter() -> None:
    assert FunctionType[int]("a/b").accepts is int
    assert Egress[str]("a/b").accepts is str
    assert FunctionType("a/b").accepts is None
    assert Egress("a/b").accepts is None


@pytest.mark.parametrize("typename", ["", "a", "a/", "/b", "a/b/c", None, 5, "\ud800/a"])
def test_a_bad_typename_names_what_it_is_of(typename: Any) -> None:
    for make, what in ((FunctionType, "FunctionType"), (Egress, "Egress")):
        with pytest.raises(TypenameError, match=what):
            make(typename)
    with pytest.raises(TypenameError, match="a thing"):
        parse_typename(typename, "a thing")


def test_a_str_subclass_is_a_str() -> None:
    class Name(str):
        __slots__ = ()

    assert str(FunctionType(Name("a/b")).at(Name("c"))) == "a/b/c"
