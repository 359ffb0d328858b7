"""Classes that are declared, completed or decorated as no function class can be."""

import dataclasses
from abc import ABC, abstractmethod

from google.protobuf.timestamp_pb2 import Timestamp

from statefun import LONG, STRING, Context, StatefulFunction, StatefulFunctions, ValueSpec, handles

functions = StatefulFunctions()


# mypy error: [arg-type] Argument "typename" to "__init_subclass__" of "StatefulFunction" has incompatible type "int"; expected "str | None"
# pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "typename" of type "str | None" in function "__init_subclass__"
# pyright error: [reportGeneralTypeIssues] Incorrect keyword arguments for __init_subclass__ method
class Unnamed(StatefulFunction[str], typename=7): ...


# mypy error: [type-arg] "StatefulFunction" expects between 0 and 1 type arguments, but 2 given
# pyright error: [reportInvalidTypeArguments] Too many type arguments provided for "StatefulFunction"; expected 1 but received 2
class Two(StatefulFunction[str, int], typename="negative-classes/two"): ...


class Base(StatefulFunction[str], ABC):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    @abstractmethod
    def on_text(self, context: Context, text: str) -> None: ...


class Narrow(Base, typename="negative-classes/narrow"):
    # mypy error: [override] Argument 2 of "on_text" is incompatible with supertype "Base"
    # pyright error: [reportIncompatibleMethodOverride] Method "on_text" overrides class "Base" in an incompatible manner
    def on_text(self, context: Context, text: Timestamp) -> None: ...


class Fewer(Base, typename="negative-classes/fewer"):
    # mypy error: [override] Signature of "on_text" incompatible with supertype "Base"
    # pyright error: [reportIncompatibleMethodOverride] Method "on_text" overrides class "Base" in an incompatible manner
    def on_text(self, context: Context) -> None: ...


class Other(Base, typename="negative-classes/other"):
    # mypy error: [assignment] Incompatible types in assignment (expression has type "str", base class "Base" defined the type as "int")
    # pyright error: [reportIncompatibleVariableOverride] "count" overrides symbol of same name in class "Base"
    count: ValueSpec[str] = ValueSpec(STRING, default="")

    def on_text(self, context: Context, text: str) -> None: ...


class Totals(StatefulFunction[str]):
    total: ValueSpec[int] = ValueSpec(LONG, default=0)


@dataclasses.dataclass
class Priced(Totals, typename="negative-classes/priced"):
    prices: dict[str, int]

    @handles
    def on_text(self, context: Context, text: str) -> None:
        self.total += self.prices[text]
        # mypy error: [operator] Unsupported operand types for + ("int" and "str")
        # pyright error: [reportOperatorIssue] Operator "+=" not supported for types "int" and "str"
        self.total += text
        # mypy error: [assignment] Incompatible types in assignment (expression has type "None", variable has type "int")
        # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "total" for class "Priced*"
        self.total = None
        # mypy error: [assignment] Incompatible types in assignment (expression has type "int", variable has type "dict[str, int]")
        # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "prices" for class "Priced*"
        self.prices = 7


functions.register(Priced, factory=lambda: Priced({}))
# mypy error: [call-arg] Missing positional argument "prices" in call to "Priced"
# pyright error: [reportCallIssue] Argument missing for parameter "prices"
functions.register(Priced, factory=lambda: Priced())
# mypy error: [call-arg] Too many arguments for "Priced"
# pyright error: [reportCallIssue] Expected 1 positional argument
functions.register(Priced, factory=lambda: Priced({}, 7))
# mypy error: [abstract] Cannot instantiate abstract class "Base" with abstract attribute "on_text"
# pyright error: [reportAbstractUsage] Cannot instantiate abstract class "Base"
Base()
# mypy error: [call-arg] Missing positional argument "identity" in call to "at" of "StatefulFunction"
# pyright error: [reportCallIssue] Argument missing for parameter "identity"
Priced.at()
# mypy error: [attr-defined] "Address[str]" has no attribute "send"
# pyright error: [reportAttributeAccessIssue] Cannot access attribute "send" for class "Address[str]"
# pyright error: [reportUnknownMemberType] Type of "send" is unknown
Priced.at("a").send("text")
# mypy error: [attr-defined] "type[Priced]" has no attribute "count"
# pyright error: [reportAttributeAccessIssue] Cannot access attribute "count" for class "type[Priced]"
# pyright error: [reportUnknownMemberType] Type of "count" is unknown
Priced.count
