"""YAML that costs more than it says, or that two parsers read differently, is refused before anything is made of it."""

from __future__ import annotations

import tracemalloc

import pytest

from statefun.errors import ModuleSyntaxError
from statefun.module.load import load
from statefun.module.load.document import MAX_BYTES, MAX_DEPTH, MAX_NODES
from tests.unit.module.mistaken import refused

GOOD = "kind: io.statefun.playground.v1/ingress\nspec: {port: 1}\n"
BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{last}, *{last}]\n" for last, name in zip("abcdefgh", "bcdefghi", strict=True)
)

CASES = {
    "an alias": ("a: &x 1\nb: *x\n", 2, 4, "b", "an alias, *x", "write the value out"),
    "an anchor": (GOOD.replace("{port", "&here {port"), 2, 7, "spec", "an anchor, &here", "remove it"),
    "a tag": (GOOD.replace("1}", "!!int 1}"), 2, 14, "spec.port", "a tag, tag:yaml.org,2002:int", "remove it"),
    "a tag of Python": (
        "kind: !!python/object/apply:os.system [echo]\nspec: {}",
        1,
        7,
        "kind",
        "a tag, tag:yaml.org,2002:python/object/apply:os.system",
        "remove it",
    ),
    "a tag of no name": (GOOD.replace("1}", "! 1}"), 2, 14, "spec.port", "a tag, !", "remove it"),
    "a declaration of tags": (f"%TAG ! tag:example.com,2020:\n---\n{GOOD}", 1, 1, "", "declares tags", "remove"),
    "a key twice": (
        "kind: a/b\nkind: a/b\nspec: {}",
        2,
        1,
        "",
        "'kind' is there twice; the first is in line 1",
        "remove one",
    ),
    "a key twice in another spelling": (
        'spec: {"port": 1, port: 2}',
        1,
        19,
        "spec",
        "'port' is there twice",
        "remove one",
    ),
    "a merge key": ("spec: {<<: {port: 1}}", 1, 8, "spec", "may be read as a merge key", "key: value"),
    "a key that is a boolean": ("spec: {on: 1}", 1, 8, "spec", "the key 'on', which may be read as a boolean", '"on"'),
    "a key that is a number": ("spec: {1: 1}", 1, 8, "spec", "may be read as a number", '"1"'),
    "a key that is nothing": ("spec: {~: 1}", 1, 8, "spec", "may be read as nothing", '"~"'),
    "a key that is a list": ("spec: {[a]: 1}", 1, 8, "spec", "a key that is not a text", "key: value"),
    "a key that is a mapping": ("? {a: b}\n: c\n", 1, 3, "", "a key that is not a text", "key: value"),
    "half of a character": ('kind: "\\ud83d"\nspec: {}', 1, 7, "kind", "half of a character", "\\U0001F600"),
    "no YAML": ("kind: [a\nspec: }", 2, 5, "", "", "mend the YAML"),
    "a tab for an indentation": ("spec:\n\tport: 1", 2, 1, "", "cannot start any token", "mend the YAML"),
    "a text that does not end": ('kind: "a\nspec: {}\n', 3, 1, "", "unexpected end of stream", "mend the YAML"),
    "two values in a line": ("kind: a: b", 1, 8, "", "mapping values are not allowed", "mend the YAML"),
    "a control character": ("kind: a\nspec: \x07", 2, 7, "", "'\\x07'", "escape"),
    "an escape beyond Unicode": ('kind: "\\UFFFFFFFF"', 0, 0, "", "cannot be parsed", "escape"),
    "a version of YAML to come": ("%YAML 2.0\n---\nkind: a", 1, 1, "", "incompatible YAML", "mend the YAML"),
    "bytes that are no UTF-8": (b"kind: a\nspec: \xff", 2, 7, "", "not UTF-8", "UTF-8"),
}


@pytest.mark.parametrize("name", CASES)
def test_unsafe_and_broken_yaml_is_refused_with_its_place(name: str) -> None:
    text, line, column, key, message, hint = CASES[name]
    error = next(each for each in refused(text).problems if message in each.message)
    assert type(error) is ModuleSyntaxError
    assert (error.file, error.line, error.column, error.key) == ("m.yaml", line, column, key), str(error)
    assert hint in error.hint


def test_harmless_yaml_is_read() -> None:
    assert load(f"%YAML 1.1\n---\n{GOOD}...\n").ingresses[0].port == 1


DEEP = "[" * 100_000
BOMBS = {
    "brackets": DEEP,
    "braces": "{" * 100_000,
    "brackets with texts": "[a, " * 25_000,
    "lists in lists": "- " * 50_000,
    "keys of keys": "? " * 50_000,
    "lines ever deeper": "".join(f"{' ' * depth}a:\n" for depth in range(400)),
    "many values": "- a\n" * (MAX_NODES + 1),
    "too many bytes": "#" * (MAX_BYTES + 1),
    "too many bytes of UTF-8": b"\xc3\xa4" * MAX_BYTES,
    "aliases of aliases": BOMB,
    "many aliases": "a: &a [x]\nb: [" + "*a, " * 10_000 + "]",
    "many mistakes": "- {<<: 1}\n" * 5_000,
    "a long text": '"' + "a\\\n" * 30_000,
    "a long text without quotes": "a\n" * 50_000,
    "many documents": "---\n" * 20_000,
    "long comments": "# x\n" * 25_000,
    "a long key": f"? {'a' * 100_000}\n: b",
    "a long name": f"kind: {'a' * 100_000}\nspec: {{}}",
    "a long number": GOOD.replace("1", "9" * 100_000),
    "a long version": f"%YAML 1.{'9' * 10_000}\n---\na",
    "a long duration": "kind: io.statefun.endpoints.v2/http\n"
    f"spec: {{functions: a/b, urlPathTemplate: http://x/, transport: {{call: {'9' * 100_000}d}}}}",
    "a long URL": "kind: io.statefun.endpoints.v2/http\n"
    f"spec: {{functions: a/b, urlPathTemplate: 'http://{'[' * 50_000}{'/.sock' * 5_000} '}}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_few_words(name: str) -> None:
    error = refused(BOMBS[name])  # would not end if its cost grew faster than the text
    assert all(len(str(each)) < 1000 for each in error.problems[:50])
    assert len(error.problems) <= 50


@pytest.mark.parametrize("name", ["brackets", "aliases of aliases", "many aliases", "lists in lists"])
def test_a_bomb_takes_no_memory(name: str) -> None:
    tracemalloc.start()
    try:
        refused(BOMBS[name])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * 1024 * 1024


def test_the_deepest_nesting_is_ten_times_too_deep_for_a_module_and_just_right() -> None:
    deepest = "kind: x/y\nspec: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert "nesting" not in str(refused(deepest))
    deeper = "kind: x/y\nspec: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert f"nesting deeper than {MAX_DEPTH}" in str(refused(deeper))
