"""The tree of errors: drawn as it is, with codes and statuses that never change, and a hint for each."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import statefun
from statefun import errors
from statefun.errors import StatefunError

PACKAGE = Path(statefun.__file__).parent

# A code is what programs, dashboards and engines know an error by: it is never changed, and never given to another error.
CODES = {
    "StatefunError": ("statefun", 500),
    "DefinitionError": ("definition", 500),
    "TypenameError": ("invalid-typename", 500),
    "MissingTypenameError": ("missing-typename", 500),
    "DuplicateFunctionError": ("duplicate-function", 500),
    "DuplicateStateError": ("duplicate-state", 500),
    "HandlerSignatureError": ("handler-signature", 500),
    "AnnotationError": ("unresolved-annotation", 500),
    "MessageTypeError": ("unnamed-type", 500),
    "RouteError": ("route-conflict", 500),
    "FrozenRegistryError": ("registry-frozen", 500),
    "AsyncFunctionError": ("async-function", 500),
    "FactoryError": ("factory", 500),
    "BindingError": ("binding", 500),
    "MissingExtraError": ("missing-extra", 500),
    "PackageClashError": ("package-clash", 500),
    "ProtocolError": ("protocol", 400),
    "MalformedRequestError": ("malformed-request", 400),
    "EmptyBatchError": ("empty-batch", 400),
    "MessageDecodeError": ("undecodable-message", 400),
    "MalformedResponseError": ("malformed-response", 502),
    "LimitError": ("limit-exceeded", 413),
    "RoutingError": ("routing", 501),
    "UnknownFunctionError": ("unknown-function", 501),
    "UnhandledMessageError": ("unhandled-message", 501),
    "StateError": ("state", 500),
    "UndeclaredStateError": ("undeclared-state", 500),
    "MissingStateError": ("missing-state", 500),
    "StateTypeError": ("state-type", 500),
    "StateDecodeError": ("undecodable-state", 500),
    "StateEncodeError": ("unencodable-state", 500),
    "ContextError": ("context", 500),
    "ContextClosedError": ("context-closed", 500),
    "NoCallerError": ("no-caller", 500),
    "AddressError": ("invalid-address", 500),
    "DelayError": ("invalid-delay", 500),
    "CancellationTokenError": ("invalid-cancellation-token", 500),
    "ValueTypeError": ("unencodable-value", 500),
    "UnsupportedError": ("unsupported", 500),
    "HandlerError": ("handler-failed", 500),
    "StoreError": ("store", 500),
    "StoreLockedError": ("store-locked", 500),
    "StoreVersionError": ("store-version", 500),
    "StoreCorruptError": ("store-corrupt", 500),
    "IngressError": ("ingress", 500),
    "RecordError": ("record", 500),
    "RecordKeyError": ("record-key", 500),
    "PositionError": ("ingress-position", 500),
    "IngressClosedError": ("ingress-closed", 500),
    "RepeatedKeyError": ("repeated-key", 500),
    "EgressError": ("egress", 500),
    "UnknownEgressError": ("unknown-egress", 500),
    "EgressUnavailableError": ("egress-unavailable", 500),
    "EndpointError": ("endpoint", 500),
    "EndpointUnavailableError": ("endpoint-unavailable", 500),
    "EndpointTimeoutError": ("endpoint-timeout", 500),
    "EndpointAnswerError": ("endpoint-answer", 500),
    "EndpointRejectedError": ("endpoint-rejected", 500),
    "ClientError": ("client", 500),
    "ClientUnavailableError": ("client-unavailable", 500),
    "ClientBusyError": ("client-busy", 500),
    "ClientRefusedError": ("client-refused", 500),
    "AskTimeoutError": ("ask-timeout", 500),
    "ReplyTypeError": ("reply-type", 500),
    "ModuleError": ("module", 500),
    "ModuleSyntaxError": ("module-syntax", 500),
    "ModuleKindError": ("module-unknown-kind", 500),
    "ModuleUnknownKeyError": ("module-unknown-key", 500),
    "ModuleMissingKeyError": ("module-missing-key", 500),
    "ModuleValueError": ("module-value", 500),
    "ModuleFormatError": ("module-inexpressible", 500),
}

# Those that a room of its own keeps beside what raises them, under the error of the tree that they belong to.
ELSEWHERE = {
    "BackupError": "backup-failed",
    "BindError": "cannot-bind",
    "CertificateError": "unusable-certificate",
    "FailingProgramError": "failing-program",
    "ImportFailedError": "import-failed",
    "InstalledError": "not-installable",
    "LoadError": "functions-not-found",
    "NeedsError": "requirements",
    "NoLetterError": "no-dead-letter",
    "NoMessageError": "no-message",
    "NoStateError": "no-state",
    "UnknownTopicError": "unknown-topic",
    "WriteError": "cannot-write",
}


def tree(cls: type[StatefunError], depth: int = 0) -> Iterator[tuple[int, str]]:
    yield depth, cls.__name__
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child, depth + 1)


ALL = sorted({name for _, name in tree(StatefunError)})


def test_codes_and_statuses_are_frozen() -> None:
    assert {name: (getattr(errors, name).code, getattr(errors, name).status) for name in ALL} == CODES


def test_each_class_has_a_code_of_its_own() -> None:
    classes = [getattr(errors, name) for name in ALL]
    for cls in classes:
        assert "code" in vars(cls), f"{cls.__name__} has the code of its parent"
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cls.code)
    assert len({cls.code for cls in classes}) == len(classes)


def test_an_error_outside_of_the_tree_has_a_code_of_its_own_too() -> None:
    """Read from the sources, since some rooms need an extra."""
    found: dict[str, str | None] = {}
    known = set(ALL)
    classes = [
        node
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent.name != "errors"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    for node in classes:
        if any(isinstance(base, ast.Name) and base.id in known for base in node.bases):
            codes = [
                statement.value.value
                for statement in node.body
                if isinstance(statement, ast.Assign)
                and isinstance(statement.value, ast.Constant)
                and [ast.unparse(target) for target in statement.targets] == ["code"]
            ]
            found[node.name] = codes[0] if codes else None
    assert found == ELSEWHERE
    assert len({*ELSEWHERE.values(), *(code for code, _ in CODES.values())}) == len(ELSEWHERE) + len(CODES)


def paths(found: Iterable[tuple[int, str]]) -> list[str]:
    """Each name behind those that it stands below."""
    above: list[str] = []
    told = []
    for depth, name in found:
        above[depth:] = [name]
        told.append("/".join(above))
    return sorted(told)


def test_the_tree_that_is_drawn_is_the_tree_that_is() -> None:
    drawn = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    (?:([│ ]*)[├└]── )?(\w+Error)\b", line)
        if found:
            indent = found.group(1)
            drawn.append((0 if indent is None else 1 + len(indent) // 4, found.group(2)))
    assert paths(drawn) == paths(tree(StatefunError))


def test_every_error_is_exported() -> None:
    assert sorted(errors.__all__) == ALL


def test_each_class_says_what_it_is() -> None:
    for name in ALL:
        assert getattr(errors, name).__doc__, name


@pytest.mark.parametrize("name", [name for name in ALL if not getattr(errors, name).__subclasses__()])
def test_each_error_has_a_hint(name: str) -> None:
    error = getattr(errors, name)("something of test/f")
    assert error.hint
    assert str(error) == f"[{error.code}] something of test/f (hint: {error.hint})"
    assert getattr(errors, name)("x", hint="another").hint == "another"


def test_an_error_that_stands_for_many_is_raised_with_a_hint_of_its_own() -> None:
    without = {name for name in ALL if not getattr(errors, name).default_hint}
    raised = [
        (path.relative_to(PACKAGE).as_posix(), node.lineno, node.exc)
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
    ]
    assert len(raised) > 50
    found = [
        f"{path}:{line}: {call.func.id} without a hint"
        for path, line, call in raised
        if isinstance(call.func, ast.Name)
        and call.func.id in without
        and not any(keyword.arg == "hint" for keyword in call.keywords)
    ]
    assert not found, "\n".join(found)


def test_400_is_for_bytes_that_can_never_be_served() -> None:
    """It fails a Flink job at once; anything that a retry or a redeploy may mend is tried again with 5xx."""
    for name in ALL:
        cls = getattr(errors, name)
        if cls.status < 500:
            assert issubclass(cls, errors.ProtocolError)


def test_an_error_survives_pickling() -> None:
    for name in ALL:
        error = getattr(errors, name)("a message", hint="a hint")
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.message, again.hint) == (type(error), "a message", "a hint")


def test_a_clash_of_packages_is_an_import_error_too() -> None:
    assert issubclass(errors.PackageClashError, ImportError)
