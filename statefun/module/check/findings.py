"""What a check finds: `Finding`, and the table of all its codes."""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import frozen

from statefun.model import SourcePosition

__all__ = ["RULES", "Finding", "Rule", "Severity", "finding"]


class Severity(Enum):
    """How much a finding weighs."""

    ERROR = "error"
    """An engine would refuse the module, or restart its job again and again."""
    WARNING = "warning"
    """It runs, and most likely not as it is meant."""
    NOTE = "note"
    """What the check cannot see."""


@frozen
class Rule:
    """One thing that is looked for.

    Attributes:
        code: Its stable name.
        severity: How much it weighs.
        what: What is wrong, for the table in docs/check.md.
        hint: How to mend it.
    """

    code: str
    severity: Severity
    what: str
    hint: str


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

RULES: Final = {
    rule.code: rule
    for rule in (
        Rule("target-undeclared", _E, "a function is sent to that no endpoint covers, or that its server does not have",
             "declare an endpoint for it and register it, or correct the name"),
        Rule("egress-undeclared", _E, "a handler sends to an egress that the module does not have",
             "declare the egress in the module, or correct the id"),
        Rule("egress-record", _E, "a handler sends an egress of Kafka or Kinesis a value that is no record of it",
             "send a `KafkaRecord` or a `KinesisRecord`"),
        Rule("function-without-endpoint", _E, "a registered function that no endpoint covers", "add an endpoint for it"),
        Rule("message-unhandled", _E, "a route brings a type that no handler of its target takes",
             "add a handler for the type, or correct the route's type"),
        Rule("duplicate-target", _E, "a route names one target twice", "remove one of the two"),
        Rule("offset-undeclared-topic", _E, "a start offset of a topic that the ingress does not read",
             "add the topic to the ingress, or remove the offset"),
        Rule("group-offsets-without-group", _E, "an ingress starts from the offsets of a group and names none",
             "give it a `consumerGroupId`, or another startup position"),
        Rule("host-underscore", _E, "the host of a URL has an underscore, which Java takes for no host",
             "name the host without `_`"),
        Rule("connect-timeout", _E, "OkHttp may connect for longer than the call may take: 2.2 ends, 3.3 fails at the first message",
             "give `connect` too, shorter than `call`; it is 10 s when left out"),
        Rule("timeout-order", _W, "a part of a call may take longer than the call", "make `call` the longest of the timeouts"),
        Rule("transaction-timeout", _W, "a transaction of Kafka may be longer than brokers allow unless they are told to, 15 min",
             "shorten it, or raise `transaction.max.timeout.ms` of the brokers"),
        Rule("state-missing", _E, "a 2.x module does not list a state that its function declares",
             "list it under `states` of the function"),
        Rule("state-undeclared", _W, "a 2.x module lists a state that its function does not declare",
             "remove it from `states`, or declare it"),
        Rule("state-expiration", _E, "a 2.x module gives a state another expiration than its function declares",
             "make the two equal; `statefun module` writes what the function declares"),
        Rule("earlier-state-missing", _W, "a state of the earlier version is gone", "keep it while its values are wanted"),
        Rule("earlier-state-expiration", _E, "a state has another expiration than in the earlier version",
             "keep the expiration, or store under another name"),
        Rule("earlier-endpoint-missing", _E, "what the earlier version could call has no endpoint any more",
             "keep the endpoint: messages for its functions may be under way"),
        Rule("earlier-ingress-missing", _W, "an ingress of the earlier version is gone or of another kind, and its position with it",
             "keep its id, or start without the savepoint's state of it"),
        Rule("earlier-egress-missing", _E, "an egress of the earlier version is gone or of another kind",
             "keep the egress: records for it may be under way"),
        Rule("stored-state-missing", _W, "the store has values of a state that its function does not declare",
             "declare the state while its values are wanted"),
        Rule("stored-state-type", _E, "the store has values of another type than the state declares",
             "declare the type that was stored, or store under another name"),
        Rule("stored-state-expiration", _W, "the store was last run with another expiration of the state",
             "keep the expiration, or store under another name: a value keeps its own until it is written again"),
        Rule("stored-function-missing", _W, "the store has messages or states of a function that nobody serves",
             "serve the function while they are wanted; its messages would become dead letters"),
        Rule("stored-egress-missing", _E, "the store has records for an egress that the module does not have",
             "keep the egress until they are delivered; a run does not start without it"),
        Rule("endpoint-unreachable", _E, "nobody answers at the URL of an endpoint (--probe)",
             "start the function server, or correct the URL"),
        Rule("endpoint-unprobed", _N, "an endpoint behind a UNIX socket, which --probe does not try", "try it by hand"),
        Rule("target-unseen", _N, "a handler sends to a function that its source alone does not tell",
             "make sure that the function has an endpoint"),
        Rule("egress-unseen", _N, "a handler sends to an egress that its source alone does not tell",
             "make sure that the module has the egress"),
        Rule("source-unseen", _N, "a function whose source cannot be read", "look at what it sends by hand"),
    )
}  # fmt: skip
"""All rules by their codes."""


@frozen
class Finding:
    """One thing that was found.

    Attributes:
        code: The code of its rule, or of the error that reading the module gave.
        severity: How much it weighs.
        message: What is wrong, and where it is not clear from the place, of what.
        hint: How to mend it.
        source: Where; None where it is in no file.
    """

    code: str
    severity: Severity
    message: str
    hint: str
    source: SourcePosition | None = None

    @property
    def place(self) -> tuple[str, int, int]:
        """What findings are sorted by."""
        return ("", 0, 0) if self.source is None else (self.source.file, self.source.line, self.source.column)

    def __str__(self) -> str:
        where = "" if self.source is None else f"{self.source}: "
        return f"{where}{self.severity.value} [{self.code}] {self.message} (hint: {self.hint})"


def finding(code: str, message: str, source: SourcePosition | None) -> Finding:
    """A finding of one of the rules."""
    rule = RULES[code]
    return Finding(code, rule.severity, message, rule.hint, source)
