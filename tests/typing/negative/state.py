"""States that are declared, read or assigned as something else than they are."""

from datetime import timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

from statefun import LONG, STRING, Context, StatefulFunction, ValueSpec, handles


class Wrong(StatefulFunction[str], typename="example/wrong"):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)
    last: ValueSpec[StringValue | None] = ValueSpec(StringValue)
    # mypy error: [assignment] Incompatible types in assignment (expression has type "ValueSpec[int | None]", variable has type "ValueSpec[int]")
    # pyright error: [reportAssignmentType] Type "ValueSpec[int | None]" is not assignable to declared type "ValueSpec[int]"
    no_default: ValueSpec[int] = ValueSpec(LONG)
    # mypy error: [arg-type] Argument 1 to "ValueSpec" has incompatible type "ValueType[int]"; expected "ValueType[str] | type[str]"
    # pyright error: [reportAssignmentType] Type "ValueSpec[int | None]" is not assignable to declared type "ValueSpec[str | None]"
    wrong_type: ValueSpec[str | None] = ValueSpec(LONG)
    # mypy error: [arg-type] Argument "default" to "ValueSpec" has incompatible type "int"; expected "str"
    # pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "default" of type "T@__init__" in function "__init__"
    wrong_default: ValueSpec[str] = ValueSpec(STRING, default=7)
    # mypy error: [assignment] Incompatible types in assignment (expression has type "ValueSpec[StringValue | None]", variable has type "ValueSpec[StringValue]")
    # pyright error: [reportAssignmentType] Type "ValueSpec[StringValue | None]" is not assignable to declared type "ValueSpec[StringValue]"
    no_default_message: ValueSpec[StringValue] = ValueSpec(StringValue)
    # mypy error: [arg-type] Argument 1 to "ValueSpec" has incompatible type "type[StringValue]"; expected "ValueType[Timestamp] | type[Timestamp]"
    # pyright error: [reportAssignmentType] Type "ValueSpec[StringValue | None]" is not assignable to declared type "ValueSpec[Timestamp | None]"
    other_message: ValueSpec[Timestamp | None] = ValueSpec(StringValue)
    # mypy error: [arg-type] Argument "default" to "ValueSpec" has incompatible type "float"; expected "int"
    # pyright error: [reportArgumentType] Argument of type "float" cannot be assigned to parameter "default" of type "T@__init__" in function "__init__"
    real_default: ValueSpec[int] = ValueSpec(LONG, default=0.5)
    # mypy error: [arg-type] Argument "default" to "ValueSpec" has incompatible type "None"; expected "int"
    # pyright error: [reportArgumentType] Argument of type "None" cannot be assigned to parameter "default" of type "T@__init__" in function "__init__"
    default_of_none: ValueSpec[int] = ValueSpec(LONG, default=None)
    # mypy error: [call-overload] No overload variant of "ValueSpec" matches argument types "ValueType[int]", "int", "timedelta"
    # pyright error: [reportArgumentType] Argument of type "timedelta" cannot be assigned to parameter "expire" of type "Expiration | None" in function "__init__"
    expiring: ValueSpec[int] = ValueSpec(LONG, default=0, expire=timedelta(days=1))
    # mypy error: [call-overload] No overload variant of "ValueSpec" matches argument types "ValueType[int]", "int", "None"
    # pyright error: [reportArgumentType] Argument of type "None" cannot be assigned to parameter "name" of type "str" in function "__init__"
    nameless: ValueSpec[int] = ValueSpec(LONG, default=0, name=None)

    @handles
    def on_text(self, context: Context, text: str) -> None:
        # mypy error: [attr-defined] "int" has no attribute "upper"
        # pyright error: [reportUnknownMemberType] Type of "upper" is unknown
        # pyright error: [reportAttributeAccessIssue] Cannot access attribute "upper" for class "int" Attribute "upper" is unknown
        self.count.upper()
        # mypy error: [union-attr] Item "None" of "StringValue | None" has no attribute "value"
        # pyright error: [reportOptionalMemberAccess] "value" is not a known attribute of "None"
        self.last.value
        # mypy error: [assignment] Incompatible types in assignment (expression has type "int", variable has type "str")
        # pyright error: [reportAssignmentType] Type "int" is not assignable to declared type "str"
        text = self.count
        # mypy error: [assignment] Incompatible types in assignment (expression has type "str", variable has type "int")
        # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "count" for class "Wrong*" "Literal['7']" is not assignable to "int"
        self.count = "7"
        # mypy error: [assignment] Incompatible types in assignment (expression has type "None", variable has type "int")
        # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "count" for class "Wrong*" "None" is not assignable to "int"
        self.count = None
        # mypy error: [assignment] Incompatible types in assignment (expression has type "str", variable has type "StringValue | None")
        # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "last" for class "Wrong*" Type "str" is not assignable to type "StringValue | None"
        self.last = text
        # mypy error: [assignment] Incompatible types in assignment (expression has type "Timestamp", variable has type "StringValue | None")
        # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "last" for class "Wrong*" Type "Timestamp" is not assignable to type "StringValue | None"
        self.last = Timestamp()


def reads(wrong: Wrong) -> StringValue:
    # mypy error: [assignment] Incompatible types in assignment (expression has type "float", variable has type "int")
    # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "count" for class "Wrong"
    wrong.count += 0.5
    # mypy error: [return-value] Incompatible return value type (got "StringValue | None", expected "StringValue")
    # pyright error: [reportReturnType] Type "StringValue | None" is not assignable to return type "StringValue"
    return wrong.last
