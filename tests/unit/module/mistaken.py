"""Files with a mistake: the smallest modules to make one in, how it is refused, and what each case of a mistake says of it."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from statefun.errors import ModuleError
from statefun.module.load import load

# A text, and what it is refused with: the code, the line, the column, the path of the key, and parts of the message and the hint.
Mistake = tuple[str, str, int, int, str, str, str]


def refused(text: str | bytes) -> ModuleError:
    with pytest.raises(ModuleError) as caught:
        load(text, "m.yaml")
    return caught.value


def only(text: str | bytes) -> ModuleError:
    error = refused(text)
    assert error.problems == (error,), str(error)
    return error


def spec(kind: str, body: str) -> str:
    """A component of 3.1 whose spec begins in line 3."""
    return f"kind: io.statefun.{kind}\nspec:\n{indent(dedent(body).strip(), '  ')}\n"


def v2(body: str, version: str = '"2.0"') -> str:
    """A module of 2.x whose spec begins in line 5."""
    head = f"version: {version}\nmodule:\n  meta: {{type: remote}}\n  spec:\n"
    return head + indent(dedent(body).strip(), "    ") + "\n"


HTTP = "functions: a/b\nurlPathTemplate: http://x/\n"
KAFKA = "id: a/b\naddress: k:9092\ntopics: [{topic: t, valueType: a/b, targets: [a/b]}]\n"
EGRESS = "id: a/b\naddress: k:9092\n"
FUNCTION = """
functions:
  - function:
      meta: {kind: http, type: a/b}
      spec:
        endpoint: http://x/
"""


def check(mistake: Mistake) -> None:
    """The text is refused for that mistake alone, with its place and a way out."""
    text, code, line, column, key, message, hint = mistake
    error = only(text)
    assert error.code == f"module-{code}", str(error)
    assert (error.file, error.line, error.column, error.key) == ("m.yaml", line, column, key), str(error)
    assert message in error.message, str(error)
    assert hint in error.hint, str(error)
