"""Type parameters of functions and classes, and the aliases of the `type` statement, which Python evaluates when they are asked for.

The syntax is that of Python 3.12, so the programs are texts; on 3.11 there is nothing to run but the first test.
"""

from __future__ import annotations

import sys
from typing import Any, TypeVar

import pytest

from statefun import StatefulFunctions
from statefun.errors import AnnotationError
from tests.conformance.messages import Admin, Response, User
from tests.conformance.rig import handled, names


def test_a_postponed_hint_may_name_a_type_parameter_of_its_function() -> None:
    def handler(context: Any, message: Parameter) -> None: ...  # noqa: F821

    handler.__type_params__ = (TypeVar("Parameter", bound=User),)  # as 3.12 sets it
    assert handled(handler) == names([User])


if sys.version_info >= (3, 12):
    IMPORTS = """
from statefun import StatefulFunction, StatefulFunctions, handles
from tests.conformance.messages import Admin, Response, User
functions = StatefulFunctions()
"""
    BOTH = pytest.mark.parametrize("future", ["", "from __future__ import annotations"], ids=["evaluated", "postponed"])

    def registered(future: str, program: str) -> list[str]:
        """The names of the messages that the function of a program takes."""
        module: dict[str, Any] = {"__name__": "tests.conformance.program"}
        exec(compile(future + IMPORTS + program, "program.py", "exec", dont_inherit=True), module)
        functions: StatefulFunctions = module["functions"]
        return list(functions.registered[0].routes.typenames)

    BIND = '@functions.bind("example/function")\n'
    GENERIC = """
class Base[M](StatefulFunction[M]):
    @handles
    def on_message(self, context, message: M): ...

class Leaf(Base[User], typename="example/function"): ...
functions.register(Leaf)
"""

    @BOTH
    @pytest.mark.parametrize(
        ("program", "expected"),
        [
            ("type A = User | Admin\n" + BIND + "def f(context, message: A): ...", [User, Admin]),
            ("type A = 'User | Admin'\n" + BIND + "def f(context, message: A): ...", [User, Admin]),
            ("type A[T] = T | Admin\n" + BIND + "def f(context, message: A[User]): ...", [User, Admin]),
            (BIND + "def f[T: User](context, message: T): ...", [User]),
            (BIND + "def f[T: (User, Admin)](context, message: T | Response): ...", [User, Admin, Response]),
            (BIND + "def f[T: (User, Admin)](context, message: 'T'): ...", [User, Admin]),
            (GENERIC, [User]),
        ],
    )
    def test_what_python_evaluates_when_it_is_asked_for_routes_as_any_other_hint(
        program: str, expected: list[Any], future: str
    ) -> None:
        assert registered(future, program) == names(expected)

    @BOTH
    @pytest.mark.parametrize(
        ("program", "complaint"),
        [
            ("type A = User | Nowhere\n" + BIND + "def f(context, message: A): ...", "'Nowhere' is not defined"),
            (BIND + "def f[T: Nowhere](context, message: T): ...", "'Nowhere' is not defined"),
            ("type A = User | A\n" + BIND + "def f(context, message: A): ...", "the alias A, which names itself"),
            ("type A[T] = T | A[list[T]]\n" + BIND + "def f(context, message: A[User]): ...", "which names itself"),
            (BIND + "def f[T](context, message: T): ...", "which nothing binds"),
        ],
    )
    def test_what_cannot_be_evaluated_then_is_refused_at_registration(
        program: str, complaint: str, future: str
    ) -> None:
        with pytest.raises(AnnotationError, match=complaint):
            registered(future, program)
