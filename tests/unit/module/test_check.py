"""Each rule of `check` finds what it is for, at its place, and is silent otherwise."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from statefun import (
    LONG,
    STRING,
    Context,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    after_call,
    after_write,
    handles,
)
from statefun.model import Module
from statefun.module.check import RULES, Finding, Severity, Stored, check
from statefun.module.check.findings import finding
from statefun.module.check.sends import sends
from statefun.module.generate import generate
from statefun.module.load import load
from statefun.module.render import render
from tests.unit.module import senders

PAGE = Path(__file__).parents[3] / "docs" / "check.md"


class User(StatefulFunction[str], typename="example/user"):
    seen: ValueSpec[int] = ValueSpec(LONG, default=0)
    name: ValueSpec[str | None] = ValueSpec(STRING, expire=after_write(timedelta(days=1)))

    @handles
    def on_text(self, context: Context, text: str) -> None: ...


FUNCTIONS = StatefulFunctions()
FUNCTIONS.register(User)

V3 = """\
kind: io.statefun.endpoints.v2/http
spec:
  functions: example/*
  urlPathTemplate: http://functions:8000/statefun
  transport:
    type: io.statefun.transports.v1/okhttp
    timeouts:
      call: 1min
      connect: 10s
---
kind: io.statefun.kafka.v1/ingress
spec:
  id: example/logins
  address: kafka:9092
  consumerGroupId: example
  startupPosition:
    type: group-offsets
  topics:
    - topic: logins
      valueType: io.statefun.types/string
      targets:
        - example/user
---
kind: io.statefun.kafka.v1/egress
spec:
  id: example/out
  address: kafka:9092
"""
V2 = """\
version: "2.0"
module:
  meta:
    type: remote
  spec:
    functions:
      - function:
          meta:
            kind: http
            type: example/user
          spec:
            endpoint: http://functions:8000/statefun
            states:
              - name: seen
              - name: name
                expireAfter: 1d
                expireMode: after-write
"""


def found(text: str, earlier: str | None = None, kept: Stored | None = None) -> list[Finding]:
    before = None if earlier is None else load(earlier, file="previous.yaml")
    return list(check(load(text, file="module.yaml"), FUNCTIONS, earlier=before, kept=kept))


def places(text: str, earlier: str | None = None, kept: Stored | None = None) -> list[tuple[str, int]]:
    return [(each.code, 0 if each.source is None else each.source.line) for each in found(text, earlier, kept)]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    types = {"seen": {"io.statefun.types/long"}, "name": {"type.googleapis.com/google.protobuf.StringValue"}}
    kept = Stored(states={"example/user": types}, waiting={"example/user": 1})
    assert found(V3, V3, kept) == []
    assert found(V2, V2, kept) == []


TIMEOUTS = "    timeouts:\n      call: 1min\n      connect: 10s\n"
EXACTLY_ONCE = "  deliverySemantic:\n    type: exactly-once\n    transactionTimeout: 16min\n"

# For each code: the sound text, what of it becomes what, and the line of the finding.
WRONG = {
    "target-undeclared": (V3, "- example/user", "- example/users", 22),
    "function-without-endpoint": (V2, "type: example/user", "type: example/other", 1),
    "message-unhandled": (V3, "io.statefun.types/string", "io.statefun.types/long", 22),
    "duplicate-target": (V3, "- example/user\n", "- example/user\n        - example/user\n", 23),
    "offset-undeclared-topic": (V3, "type: group-offsets\n", "type: specific-offsets\n    offsets: [other/0: 7]\n", 11),
    "group-offsets-without-group": (V3, "  consumerGroupId: example\n", "", 11),
    "host-underscore": (V3, "//functions:", "//the_functions:", 1),
    "connect-timeout": (V3, "connect: 10s", "connect: 2min", 1),
    "timeout-order": (V3, "connect: 10s", "read: 2min", 1),
    "transaction-timeout": (V3, "  id: example/out\n", "  id: example/out\n" + EXACTLY_ONCE, 24),
    "state-missing": (V2, "              - name: seen\n", "", 7),
    "state-undeclared": (V2, "- name: seen\n", "- name: seen\n              - name: gone\n", 15),
    "state-expiration": (V2, "expireAfter: 1d", "expireAfter: 2d", 15),
}


@pytest.mark.parametrize("code", WRONG)
def test_a_mistake_is_found_at_its_line(code: str) -> None:
    text, old, new, line = WRONG[code]
    assert text.count(old) == 1
    here = places(text.replace(old, new))
    assert (code, line) in here
    assert {each for each, _ in here} <= {code, "state-undeclared"}


@pytest.mark.parametrize("timeout", ["read", "write"])
def test_each_part_of_a_call_is_held_against_the_call(timeout: str) -> None:
    [order] = found(V3.replace("connect: 10s", f"{timeout}: 90s"))
    assert order.code == "timeout-order"
    assert f"{timeout} 0:01:30 and call 0:01:00" in order.message


def test_what_nobody_wrote_down_of_a_call_contradicts_it_where_the_engine_ends_for_it() -> None:
    short = V3.replace("call: 1min", "call: 5s")
    assert [each.code for each in found(short)] == ["connect-timeout"]
    assert [each.code for each in found(short.replace("connect: 10s", "connect: 4s"))] == []
    assert [each.code for each in found(V3.replace("call: 1min\n      connect: 10s", "call: 5s"))] == [
        "connect-timeout"
    ]
    # The other transport takes it.
    other = short.replace("v1/okhttp", "v1/async")
    assert [each.code for each in found(other)] == ["timeout-order"]
    assert found(V3.replace("v1/okhttp", "v1/async").replace(TIMEOUTS, "    call: 5s\n")) == []


def test_a_transaction_of_fifteen_minutes_is_what_brokers_allow() -> None:
    with_transactions = V3.replace("  id: example/out\n", "  id: example/out\n" + EXACTLY_ONCE)
    assert found(with_transactions.replace("16min", "15min")) == []


def test_a_group_that_a_property_names_is_one() -> None:
    assert found(V3.replace("consumerGroupId: example", "properties: [group.id: example]")) == []


def test_a_function_of_another_server_is_no_ones_mistake() -> None:
    other = (
        "---\nkind: io.statefun.endpoints.v2/http\nspec:\n  functions: other/*\n  urlPathTemplate: http://elsewhere/\n"
    )
    assert found(V3.replace("- example/user", "- other/user") + other) == []
    assert places(V3.replace("- example/user", "- other/user")) == [("target-undeclared", 22)]


EARLIER = {
    "earlier-state-missing": (V2, "- name: seen\n", "- name: seen\n              - name: gone\n"),
    "earlier-state-expiration": (V2, "expireAfter: 1d", "expireAfter: 2d"),
    "earlier-endpoint-missing": (V3, "functions: example/*", "functions: gone/*"),
    "earlier-ingress-missing": (V3, "id: example/logins", "id: example/gone"),
    "earlier-egress-missing": (V3, "id: example/out", "id: example/gone"),
}


@pytest.mark.parametrize("code", EARLIER)
def test_what_an_earlier_version_had_is_missed(code: str) -> None:
    text, old, new = EARLIER[code]
    assert text.count(old) == 1
    assert places(text, earlier=text.replace(old, new)) == [(code, 1)]


def test_an_id_that_became_one_of_another_kind_is_missed() -> None:
    kinesis = f"""{V3.partition("kind: io.statefun.kafka.v1/egress")[0]}\
kind: io.statefun.kinesis.v1/egress
spec:
  id: example/out
  awsRegion:
    type: specific
    id: us-west-1
  awsCredentials:
    type: default
"""
    [lost] = found(kinesis, earlier=V3)
    assert (lost.code, lost.message) == (
        "earlier-egress-missing",
        "'example/out' was KafkaEgress, and is KinesisEgress",
    )


def test_a_target_that_a_narrower_wildcard_leaves_out_is_missed() -> None:
    before = V3.replace("        - example/user\n", "        - example/user\n        - example/gone\n")
    now = V3.replace("example/*", "example/user")
    [lost] = found(now, earlier=before)
    assert (lost.code, lost.message) == ("earlier-endpoint-missing", "example/gone was a target, and had an endpoint")
    assert found(now, earlier=V3) == []


def test_an_endpoint_that_is_split_or_merged_is_still_there() -> None:
    one = V3.replace("functions: example/*", "functions: example/user")
    assert places(one, earlier=V3) == []
    assert places(V3, earlier=one) == []


def test_values_of_a_store_that_are_of_no_declared_state_are_found() -> None:
    def found(name: str, typename: str) -> list[tuple[str, int]]:
        return places(V3, kept=Stored(states={"example/user": {name: {typename}}}))

    assert found("seen", LONG.typename) == []
    assert found("gone", "a/b") == [("stored-state-missing", 0)]
    assert found("seen", STRING.typename) == [("stored-state-type", 0)]


DAY = timedelta(days=1)
EXPIRATIONS = {
    "as declared": ("name", after_write(DAY), []),
    "never": ("name", None, ["stored-state-expiration"]),
    "later": ("name", after_write(2 * DAY), ["stored-state-expiration"]),
    "after another event": ("name", after_call(DAY), ["stored-state-expiration"]),
    "none was declared": ("seen", after_write(DAY), ["stored-state-expiration"]),
    "none either": ("seen", None, []),
}


@pytest.mark.parametrize("case", EXPIRATIONS)
def test_the_expiration_that_a_store_was_run_with_is_held_against_the_declared_one(case: str) -> None:
    name, expiration, codes = EXPIRATIONS[case]
    types = {"seen": LONG.typename, "name": STRING.typename}
    states, expirations = {"example/user": {name: {types[name]}}}, {"example/user": {name: expiration}}
    assert places(V3, kept=Stored(states=states, expirations=expirations)) == [(code, 0) for code in codes]
    # Where there is no value nothing is kept that could expire otherwise, and of an old store nothing is known.
    assert places(V3, kept=Stored(expirations=expirations)) == []
    assert places(V3, kept=Stored(states=states)) == []


GONE = Stored(states={"gone/f": {"s": {"a/b"}}}), Stored(waiting={"gone/f": 2})
BOTH = Stored(states=GONE[0].states, waiting=GONE[1].waiting)


@pytest.mark.parametrize(
    ("kept", "what"), [(GONE[0], "states"), (GONE[1], "2 messages"), (BOTH, "2 messages and states")]
)
def test_what_a_store_holds_of_a_function_that_is_gone_is_told(kept: Stored, what: str) -> None:
    [told] = found(V3, kept=kept)
    assert told.code == "stored-function-missing"
    assert told.message == f"the store has {what} of gone/f, which nobody serves"
    elsewhere = (
        V3 + "---\n" + V3.partition("---")[0].replace("example/*", "gone/*").replace("functions:8000", "other:8000")
    )
    assert places(elsewhere, kept=kept) == []


def test_records_of_a_store_for_an_egress_that_is_gone_are_told() -> None:
    assert places(V3, kept=Stored(egresses={"example/out"})) == []
    assert places(V3, kept=Stored(egresses={"example/gone"})) == [("stored-egress-missing", 0)]


def _module(egress: str) -> Module:
    return load(V3.replace("example/out", egress).replace("example/*", "example/sender"))


def test_what_handlers_send_to_is_found_at_the_line_that_sends() -> None:
    module = load(V3.replace("example/out", "example/here"))
    marked = re.compile(r"# (egress|target)-(undeclared|unseen)$")
    lines = Path(senders.__file__).read_text().splitlines()
    wanted = [
        (lines[index][match.start() + 2 :], index + 1)
        for index in range(len(lines))
        if (match := marked.search(lines[index]))
    ]
    assert len(wanted) == 10
    here = [(each.code, 0 if each.source is None else each.source.line) for each in sends(module, senders.functions)]
    assert sorted(here) == sorted(wanted)
    assert all(
        each.source is not None and each.source.file == senders.__file__ for each in sends(module, senders.functions)
    )


def test_a_function_without_a_source_is_told() -> None:
    [note] = sends(_module("example/here"), senders.of_no_file)
    assert (note.code, note.severity, note.source) == ("source-unseen", Severity.NOTE, None)


def test_findings_stand_in_the_order_of_files_and_lines() -> None:
    text = V3.replace("//functions:", "//the_functions:").replace(
        "- example/user\n", "- example/users\n        - example/users\n"
    )
    assert [line for _, line in places(text)] == [1, 22, 23, 23]


def test_what_is_generated_has_no_findings() -> None:
    module = generate(FUNCTIONS, url="http://functions:8000/statefun").module
    assert check(load(render(module)), FUNCTIONS) == ()


def test_a_finding_is_told_with_place_severity_code_and_hint() -> None:
    [told] = found(V3.replace("//functions:", "//the_functions:"))
    assert str(told) == (
        "module.yaml:1:1: error [host-underscore] the host 'the_functions' of example/* has a `_` (hint: name the host without `_`)"
    )
    assert told == finding("host-underscore", told.message, told.source)


def test_the_page_lists_every_code_with_its_severity() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (error|warning|note) \|", PAGE.read_text(), re.MULTILINE))
    assert rows == {code: rule.severity.value for code, rule in RULES.items()}
