"""What both forms of the greeter share: the messages, the words, and the files that the embedded runtime reads and writes."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from statefun import Egress, FileEgress, FileIngress, StatefulFunctions, json_type

GREETINGS = Egress[str]("example/greetings")


@frozen
class User:
    """A user comes by."""

    user_id: str
    name: str


@frozen
class Arrival:
    """The greeter tells the reception who came, and how often they were here."""

    name: str
    visits: int


@frozen
class Response:
    """The reception answers."""

    message: str


json_type("example/user", User)
json_type("example/arrival", Arrival)
json_type("example/response", Response)


def greeting(visits: int, name: str) -> str:
    """The words of a greeting.

    >>> greeting(1, "Seth"), greeting(4, "Seth")
    ('Hello Seth', 'Hello for the 4th time')
    """
    first = {1: f"Hello {name}", 2: "Hello again!", 3: "Third time's the charm"}
    return first.get(visits, f"Hello for the {visits}th time")


def connect(functions: StatefulFunctions) -> None:
    """Feeds the greeter from visits.csv; greetings go to greetings.txt in the current folder."""
    functions.ingress(
        FileIngress(
            id="example/visits",
            path=Path(__file__).with_name("visits.csv"),
            message=User,
            key="user_id",
            targets=["example/greeter"],
        )
    )
    functions.egress(FileEgress(id=GREETINGS, path="greetings.txt"))
