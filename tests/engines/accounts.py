"""How the outside reaches the program of the engine tests: deposits and commands, each in a topic of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from statefun.batch import ProtocolVersion
from tests.engines.program import COMMAND, Command, functions
from tests.engines.rig import Program

__all__ = ["ACCOUNTS", "commands", "deposits", "questions"]

ACCOUNTS: Final = Program(
    target="tests.engines.program:functions",
    functions=functions,
    egress="engines/results",
    topics={
        "deposits": ("type.googleapis.com/google.protobuf.Int64Value", ("engines/account",)),
        "commands": ("engines/command", ("engines/account",)),
        "questions": ("type.googleapis.com/google.protobuf.StringValue", ("engines/ledger",)),
    },
)


def deposits(values: Iterable[tuple[str, int]]) -> Iterator[tuple[str, bytes]]:
    """Records of the topic `deposits`."""
    for account, value in values:
        yield account, Int64Value(value=value).SerializeToString()


def commands(account: str, *what: Command) -> Iterator[tuple[str, bytes]]:
    """Records of the topic `commands`."""
    for command in what:
        yield account, COMMAND.encode(command, ProtocolVersion.V3).value


def questions(*keys: str) -> Iterator[tuple[str, bytes]]:
    """Records of the topic `questions`: the ledger answers under that key."""
    for key in keys:
        yield "all", StringValue(value=key).SerializeToString()
