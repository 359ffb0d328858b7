"""A file without a component is told so, several mistakes are told at once, and none shows a secret."""

from __future__ import annotations

import pytest

from statefun.errors import ModuleError, ModuleSyntaxError
from tests.unit.module.mistaken import EGRESS, HTTP, only, refused, spec


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "null\n", "---\n---\n", "~"])
def test_a_file_without_a_component_is_told_so(text: str) -> None:
    error = only(text)
    assert isinstance(error, ModuleSyntaxError)
    assert "empty" in error.message


def test_every_mistake_is_told_at_once_in_the_order_of_the_file() -> None:
    text = spec("kafka.v1/ingress", "id: ab\ntopcis: []\naddress: 1") + "---\n" + spec("kafka.v1/ingres", "id: ab")
    error = refused(text)
    assert type(error) is ModuleError
    assert [(each.code, each.line, each.column) for each in error.problems] == [
        ("module-missing-key", 3, 3),
        ("module-value", 3, 7),
        ("module-unknown-key", 4, 3),
        ("module-value", 5, 12),
        ("module-unknown-kind", 7, 7),
    ]
    lines = str(error).splitlines()
    assert lines[0] == "[module] m.yaml has 5 mistakes (hint: each is told with its place)"
    assert lines[3].startswith("  m.yaml:4:3: [module-unknown-key] the Kafka ingress has no key 'topcis'")


def test_a_flood_of_mistakes_is_counted() -> None:
    error = refused("---\n".join("kind: x/y\nspec: {}\n" for _ in range(1000)))
    assert "1000 mistakes, of which the first 50 are told" in error.message
    assert len(error.problems) == 50


@pytest.mark.parametrize(
    "text",
    [
        spec("kinesis.v1/egress", "id: a/b\nawsCredentials: {type: basic, accessKeyId: 4711, secretAccessKey: 4711}"),
        spec("kafka.v1/egress", EGRESS + "properties: [sasl.jaas.config: 04711]"),
        spec("endpoints.v2/http", HTTP + "transport: {client_key_password: 4711}"),
    ],
)
def test_a_secret_is_not_shown(text: str) -> None:
    assert "4711" not in str(refused(text))
