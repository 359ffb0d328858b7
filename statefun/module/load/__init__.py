"""A module.yaml to the neutral model, in every version of the format that an engine reads.

| file | what it holds |
|---|---|
| `document` | YAML to nodes that know their place; what is unsafe or ambiguous is refused |
| `sections` | nodes by key, each mistake noted with its place |
| `components` | where the components of a file are, and of which kind each is |
| `endpoints`, `ingresses`, `egresses`, `aws` | what a component says |
"""

from __future__ import annotations

from typing import Final

from statefun.arguments import check, instance_of
from statefun.errors import ModuleError, ModuleSyntaxError
from statefun.model import Module
from statefun.module.load.components import read_components, read_version
from statefun.module.load.document import Scalar, read_documents
from statefun.module.load.sections import Reading
from statefun.module.scalars import reads_as

__all__ = ["load"]


_TEXT: Final = instance_of(str, bytes, what="what is in the file, a str or bytes: `Path(…).read_bytes()`")
_FILE: Final = instance_of(str, what="a name for errors, a str")


def load(text: str | bytes, file: str = "module.yaml") -> Module:
    """Reads a module.yaml.

    Args:
        text: What is in the file; bytes are UTF-8.
        file: What errors, and the sources of the model's values, call it. It is not opened.

    Raises:
        ModuleError: something is wrong. Where it is one thing, its subclass tells what; where it is several, `problems` has
            an error for each.
        DefinitionError: an argument is of another type.

    >>> module = load('''
    ... kind: io.statefun.endpoints.v2/http
    ... spec:
    ...   functions: example/*
    ...   urlPathTemplate: http://functions:8000/statefun
    ... ''')
    >>> module.endpoints[0].functions, str(module.endpoints[0].source)
    ('example/*', 'module.yaml:2:1')
    """
    check("load", "text", text, _TEXT)
    check("load", "file", file, _FILE)
    problems: list[ModuleError] = []
    documents = read_documents(text, file, problems)
    reading = Reading(file, problems=problems)
    reading.finish()
    roots = [
        each for each in documents if not (isinstance(each, Scalar) and each.plain and reads_as(each.text) == "nothing")
    ]
    if not roots:
        raise ModuleSyntaxError("the file is empty", hint="docs/module.md has an example to begin with", file=file)
    version = read_version(reading, roots)
    reading.protocol = version.protocol
    endpoints, ingresses, egresses = read_components(reading, roots, version)
    reading.finish()
    return Module(version=version, endpoints=endpoints, ingresses=ingresses, egresses=egresses, file=file)
