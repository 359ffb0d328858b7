"""Standard input as an ingress."""

from __future__ import annotations

from attrs import field, frozen

from statefun.model.checks import is_flag
from statefun.model.feeds import RecordIngress

__all__ = ["StdinIngress"]


@frozen(kw_only=True)
class StdinIngress(RecordIngress):
    r"""Records from standard input, as they come, until it ends: `tail -F app.jsonl | statefun run …`.

    A pipe cannot be read again. What was committed took effect exactly once; records that were read and not committed when
    the process was killed are lost: at most once. With `replayed=True` the same input is given again from its beginning
    after a restart (`statefun run … < orders.jsonl`); then the part that took effect is passed over, and each record takes
    effect exactly once.

    Args:
        id: `<namespace>/<name>`; with `replayed` the position is kept under it.
        message: What a record becomes: a protobuf class, a class that `json_type` named, or a ValueType.
        key: The column that holds the id that a record goes to, or a function from the record to it.
        targets: The functions that get each record: classes, or names `<namespace>/<name>`.
        format: `"csv"` (with a header line), `"jsonl"` (a JSON object on each line) or `"protobuf"` (messages of the class
            `message`, each behind its length as a varint, which is what `writeDelimitedTo` writes).
        convert: Makes the message from a record, as for a `FileIngress`.
        on_bad_record: `"stop"` or `"skip"`, as for a `FileIngress`.
        replayed: Whether the input is the same from its beginning each time.

    Raises:
        BindingError: an argument is none of its choices.
        TypenameError: the id has another form.

    >>> from google.protobuf.struct_pb2 import Struct
    >>> StdinIngress(id="shop/in", message=Struct, key="customer", targets=["shop/cart"], format="jsonl").replayed
    False
    """

    replayed: bool = field(default=False, validator=is_flag)
