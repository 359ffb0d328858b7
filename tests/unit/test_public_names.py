"""The public names: what a user imports from `statefun` is there, is documented, and nothing more comes or goes unnoticed."""

from __future__ import annotations

import inspect

import statefun

PUBLIC = [
    "StatefulFunctions",
    "StatefulFunction",
    "handles",
    "handles_other",
    "ValueSpec",
    "Expiration",
    "after_write",
    "after_call",
    "Context",
    "Address",
    "FunctionType",
    "Egress",
    "FileIngress",
    "FileEgress",
    "ValueType",
    "BOOL",
    "INT",
    "LONG",
    "FLOAT",
    "DOUBLE",
    "STRING",
    "BYTES",
    "json_type",
    "RequestReplyHandler",
    "AsyncRequestReplyHandler",
    "kafka_egress_record",
    "kinesis_egress_record",
    "KafkaRecord",
    "KinesisRecord",
    "StatefunError",
    "DefinitionError",
    "RoutingError",
    "ProtocolError",
    "StateError",
    "HandlerError",
    "ContextError",
]

CONTEXT = [
    "address",
    "caller",
    "send",
    "send_after",
    "cancel",
    "reply",
    "reply_after",
    "send_egress",
    "state",
    "pack_and_send",
    "pack_and_reply",
    "pack_and_send_after",
    "pack_and_send_egress",
    "__getitem__",
    "__setitem__",
    "__delitem__",
]


def test_the_public_names_are_frozen() -> None:
    assert sorted(statefun.__all__) == sorted(PUBLIC)
    assert len(set(statefun.__all__)) == len(statefun.__all__)


def test_every_public_name_is_there_and_documented() -> None:
    for name in statefun.__all__:
        value = getattr(statefun, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert inspect.getdoc(value), name


def test_every_public_class_and_function_has_an_example_that_is_run() -> None:
    # The doctests of the package are among the tests; an error's class is documented where it is raised.
    for name in statefun.__all__:
        value = getattr(statefun, name)
        is_error = inspect.isclass(value) and issubclass(value, Exception)
        if (inspect.isclass(value) or inspect.isroutine(value)) and not is_error:
            assert ">>>" in (inspect.getdoc(value) or ""), name


def test_every_public_method_is_documented_where_it_is_defined() -> None:
    classes = [value for name in statefun.__all__ if inspect.isclass(value := getattr(statefun, name))]
    seen = 0
    for cls in classes:
        for name, method in vars(cls).items():
            function = getattr(method, "__func__", method)
            if not name.startswith("_") and (inspect.isfunction(function) or isinstance(function, property)):
                assert function.__doc__, f"{cls.__name__}.{name}"
                seen += 1
    assert seen > 40


def test_a_star_import_brings_the_public_names_alone() -> None:
    names: dict[str, object] = {}
    exec("from statefun import *", names)
    assert sorted(set(names) - {"__builtins__"}) == sorted(PUBLIC)


def test_a_context_has_its_public_names() -> None:
    own = {
        name
        for name in dir(statefun.Context)
        if not name.startswith("_") or name in {"__getitem__", "__setitem__", "__delitem__"}
    }
    assert own == set(CONTEXT)


def test_the_package_ships_its_types() -> None:
    from importlib.resources import files

    assert files("statefun").joinpath("py.typed").is_file()


def test_delays_and_specs_take_what_the_page_says() -> None:
    later = inspect.signature(statefun.Context.send_after).parameters
    assert list(later)[:2] == ["self", "delay"]
    assert later["cancellation_token"].default is None
    spec = inspect.signature(statefun.ValueSpec).parameters
    assert list(spec) == ["type", "default", "expire", "name"]
    assert {each.kind for each in list(spec.values())[1:]} == {inspect.Parameter.KEYWORD_ONLY}
