"""Wrong uses of a state. `# E: mypy's code | pyright's rule` stands on each line that both must report, and on no other."""

from google.protobuf.wrappers_pb2 import StringValue

from statefun import LONG, STRING, Context, StatefulFunction, ValueSpec, handles


class Wrong(StatefulFunction[str], typename="example/wrong"):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)
    last: ValueSpec[StringValue | None] = ValueSpec(StringValue)
    no_default: ValueSpec[int] = ValueSpec(LONG)  # E: assignment | reportAssignmentType
    wrong_type: ValueSpec[str | None] = ValueSpec(LONG)  # E: arg-type | reportAssignmentType
    wrong_default: ValueSpec[str] = ValueSpec(STRING, default=7)  # E: arg-type | reportArgumentType

    @handles
    def on_text(self, context: Context, text: str) -> None:
        self.count.upper()  # E: attr-defined | reportAttributeAccessIssue
        self.last.value  # E: union-attr | reportOptionalMemberAccess
        text = self.count  # E: assignment | reportAssignmentType
        self.count = "7"  # E: assignment | reportAttributeAccessIssue
        self.count = None  # E: assignment | reportAttributeAccessIssue
        self.last = text  # E: assignment | reportAttributeAccessIssue
