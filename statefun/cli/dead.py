"""`statefun dead list|show|retry|drop --store DIR`: the messages that were given up."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import click

from statefun.cli.options import json_option, store_option
from statefun.cli.showing import address, counted, described, escaped, print_json, print_table, timestamp, value_json
from statefun.runtime.letters import NoLetterError, drop_letters, retry_letters
from statefun.runtime.store import DeadMessage, Store

__all__ = ["command"]

_PAYLOAD: Callable[[Any], Any] = click.option("--payload", is_flag=True, help="Show what the messages hold.")
_FUNCTION: Callable[[Any], Any] = click.option(
    "--function", metavar="TYPENAME", help="Only messages to this function type."
)
_NUMBERS: Callable[[Any], Any] = click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="[NUMBER]...")
_ALL: Callable[[Any], Any] = click.option("--all", "everything", is_flag=True, help="All of them.")


@click.group("dead")
def command() -> None:
    """Looks at the messages that were given up, and tries them again or drops them.

    No runtime may have the store open.
    """


@command.command("list")
@store_option
@_FUNCTION
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1), help="At most so many.")
@_PAYLOAD
@json_option
def list_(store: str, function: str | None, limit: int, payload: bool, as_json: bool) -> None:
    """Lists them, the oldest first."""
    with Store(store, must_exist=True) as opened:
        letters = list(islice((each for each in opened.dead_messages() if _is_for(each, function)), limit))
        total = opened.count("dead")
    if as_json:
        for each in letters:
            print_json(_json(each, payload))
        return
    print_table(
        ["number", "time", "function", "id", "message type", "attempts", "code", "error", "message"],
        [_cells(each, payload) for each in letters],
    )
    print(f"{len(letters):,} of {counted(total, 'dead letter')}")


@command.command("show")
@store_option
@click.argument("number", type=click.IntRange(1))
@_PAYLOAD
@json_option
def show(store: str, number: int, payload: bool, as_json: bool) -> None:
    """Shows one of them, whole."""
    with Store(store, must_exist=True) as opened:
        found = next((each for each in opened.dead_messages() if each.sequence == number), None)
    if found is None:
        raise NoLetterError(f"{str(number)!r} is the number of no dead letter")
    if as_json:
        print_json(_json(found, payload))
        return
    for name, text in [
        ("number", str(found.sequence)),
        ("time", timestamp(found.at)),
        ("address", address(found.target)),
        ("caller", address(found.caller)),
        ("message type", escaped(found.message.typename)),
        ("message", described(found.message, payload)),
        ("attempts", str(found.attempts)),
        ("code", escaped(found.code or "-")),
        ("error", escaped(_text(found))),
    ]:
        print(f"{name + ':':<14}{text}")


@command.command("retry")
@store_option
@_NUMBERS
@_ALL
@_FUNCTION
def retry(store: str, numbers: tuple[int, ...], everything: bool, function: str | None) -> None:
    """Puts messages back to the end of their addresses' inboxes; the next run takes them, with attempts counted anew.

    Records that never became messages have no inbox: --all and --function leave them where they are.
    """
    with Store(store, must_exist=True) as opened:
        chosen = _chosen(opened, numbers, everything, function)
        left: set[int] = (
            set() if numbers else {each.sequence for each in opened.dead_messages() if not _has_inbox(each)}
        )
        count = retry_letters(opened, [each for each in chosen if each not in left])
    print(f"put {counted(count, 'message')} back to wait for the next run")
    if stay := len(left.intersection(chosen)):
        print(f"left {counted(stay, 'record')} that never became a message: mend where it came from, then drop it")


@command.command("drop")
@store_option
@_NUMBERS
@_ALL
@_FUNCTION
def drop(store: str, numbers: tuple[int, ...], everything: bool, function: str | None) -> None:
    """Deletes messages for good."""
    with Store(store, must_exist=True) as opened:
        count = drop_letters(opened, _chosen(opened, numbers, everything, function))
    print(f"dropped {counted(count, 'dead letter')}")


def _chosen(store: Store, numbers: tuple[int, ...], everything: bool, function: str | None) -> list[int]:
    if bool(numbers) + everything + (function is not None) != 1:
        raise click.UsageError("Name numbers, or a --function, or --all.")
    if numbers:
        return list(numbers)
    return [each.sequence for each in store.dead_messages() if _is_for(each, function)]


def _is_for(letter: DeadMessage, function: str | None) -> bool:
    return function is None or (letter.target is not None and "/".join(letter.target[:2]) == function)


def _has_inbox(letter: DeadMessage) -> bool:
    return letter.target is not None and all(letter.target)


def _text(letter: DeadMessage) -> str:
    return letter.error.removeprefix(f"[{letter.code}] ")


def _cells(letter: DeadMessage, payload: bool) -> list[str]:
    target = letter.target
    return [
        str(letter.sequence),
        timestamp(letter.at),
        "-" if target is None else escaped("/".join(target[:2])),
        "-" if target is None else escaped(target.id),
        escaped(letter.message.typename),
        str(letter.attempts),
        escaped(letter.code or "-"),
        escaped(_text(letter)),
        described(letter.message, payload),
    ]


def _json(letter: DeadMessage, payload: bool) -> dict[str, Any]:
    return {
        "number": letter.sequence,
        "time": timestamp(letter.at),
        "function": None if letter.target is None else "/".join(letter.target[:2]),
        "id": None if letter.target is None else letter.target.id,
        "caller": None if letter.caller is None else "/".join(letter.caller),
        "message": value_json(letter.message, payload),
        "attempts": letter.attempts,
        "code": letter.code,
        "error": _text(letter),
    }
