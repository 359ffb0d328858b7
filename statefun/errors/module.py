"""What a module.yaml gets wrong."""

from __future__ import annotations

from collections.abc import Iterable

from statefun.errors.root import StatefunError

__all__ = [
    "ModuleError",
    "ModuleFormatError",
    "ModuleKindError",
    "ModuleMissingKeyError",
    "ModuleSyntaxError",
    "ModuleUnknownKeyError",
    "ModuleValueError",
]


class ModuleError(StatefunError):
    """A module.yaml that cannot be read, or a module that cannot be written as one.

    What is wrong in several places is told at once: `problems` has an error for each, in the order of the file.

    Args:
        message: What is wrong.
        hint: How to mend it.
        file: The name of the file; empty where the mistake is in no file.
        line: The line, counted from 1; 0 where the mistake is in the file as a whole.
        column: The column, counted from 1.
        key: The path of the key, such as `spec.topics[0].valueType`.
        problems: The errors that this one stands for.

    >>> error = ModuleValueError("'often' is no count", hint="write a number", file="module.yaml", line=4, column=9)
    >>> print(error)
    module.yaml:4:9: [module-value] 'often' is no count (hint: write a number)
    >>> error.problems == (error,)
    True
    """

    code = "module"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        file: str = "",
        line: int = 0,
        column: int = 0,
        key: str = "",
        problems: Iterable[ModuleError] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self._problems = tuple(problems)

    @property
    def problems(self) -> tuple[ModuleError, ...]:
        """Every single mistake: this error itself, unless it stands for several."""
        return self._problems or (self,)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        lines = [f"{place}: {super().__str__()}" if place else super().__str__()]
        return "\n".join([*lines, *(f"  {problem}" for problem in self._problems)])


class ModuleSyntaxError(ModuleError):
    """A text that is not YAML, or that uses what a module is not read from: tags, aliases, a key twice, deep nesting."""

    code = "module-syntax"
    default_hint = "write plain YAML: mappings, lists and texts"


class ModuleKindError(ModuleError):
    """A version of the format, or a kind of component, that is not known."""

    code = "module-unknown-kind"
    default_hint = "docs/module.md lists the versions and kinds"


class ModuleUnknownKeyError(ModuleError):
    """A key that its place does not have; an engine would overlook it in silence."""

    code = "module-unknown-key"
    default_hint = "remove it, or correct its spelling"


class ModuleMissingKeyError(ModuleError):
    """A key that its place needs and that is not there."""

    code = "module-missing-key"
    default_hint = "add it"


class ModuleValueError(ModuleError):
    """A value that its key does not take."""

    code = "module-value"
    default_hint = "docs/module.md tells what each key takes"


class ModuleFormatError(ModuleError):
    """A module that holds something which the format to be written cannot express."""

    code = "module-inexpressible"
    default_hint = "choose another version of the format, or remove what it cannot express"
