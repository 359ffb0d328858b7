"""Files as an ingress and as an egress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, field, frozen

from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.model.checks import as_egress_id, as_path, is_id, is_path
from statefun.model.feeds import RECORD_FORMATS, RecordIngress

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["FileEgress", "FileIngress"]

INGRESS_FORMATS: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
EGRESS_FORMATS: Final = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "text",
    ".log": "text",
    ".bin": "bytes",
}
COMPRESSIONS: Final = (".gz", ".zip")


def _suffix(path: Any) -> str:
    if not isinstance(path, str):  # which its validator refuses
        return ""
    for compression in COMPRESSIONS:
        path = path.removesuffix(compression)
    dot = path.rfind(".")
    return path[dot:].lower() if dot >= 0 else ""


def _ingress_format(made: Any) -> str:
    return INGRESS_FORMATS.get(_suffix(made.path), "")


def _egress_format(made: Any) -> str:
    return EGRESS_FORMATS.get(_suffix(made.path), "")


def _check_ingress_format(made: Any, _attribute: object, value: str) -> None:
    _check_format(made, RECORD_FORMATS, value)


def _check_egress_format(made: Any, _attribute: object, value: str) -> None:
    _check_format(made, tuple(dict.fromkeys(EGRESS_FORMATS.values())), value)


def _check_format(made: Any, formats: Sequence[str], value: Any) -> None:
    if value not in formats:
        what = f"the path {made.path!r} and no format" if value == "" else f"format={shown(value)}"
        known = ", ".join(repr(each) for each in formats)
        raise BindingError(f"{type(made).__name__} {made.id!r} has {what}", hint=f"give a `format=` of {known}")


@frozen(kw_only=True)
class FileIngress(RecordIngress):
    """A file whose records become messages, read once from its beginning to its end.

    The position in the file is committed together with what its records caused, so each takes effect exactly once.

    Args:
        id: `<namespace>/<name>`; the position is kept under it.
        path: The file. `.gz`, and a `.zip` that holds one file, are read as what is in them.
        message: What a record becomes: a protobuf class, a class that `json_type` named, or a ValueType.
        key: The column or field that holds the id that a record goes to, or a function from the record to it.
        targets: The functions that get each record: classes, or names `<namespace>/<name>`.
        format: `"csv"` (with a header line) or `"jsonl"` (a JSON object on each line), by the path's suffix when omitted; or
            `"protobuf"` (messages of the class `message`, each behind its length as a varint, as `writeDelimitedTo` writes them).
        convert: Makes the message from a record, which is a mapping (of str to str in CSV). Without it fields are filled
            from the columns of their names, text being converted to the field's type; an empty cell leaves a field unset.
        on_bad_record: What becomes of a record without a key, or one that does not parse or convert: `"stop"` ends the run
            with an error that names file and line, after everything before it is committed; `"skip"` counts and reports it.
            A CSV header that lacks `key` ends the run in either case.

    Raises:
        BindingError: no format is known for the path, or an argument is none of its choices.
        TypenameError: the id has another form.

    >>> from google.protobuf.struct_pb2 import Struct
    >>> FileIngress(id="flights/departures", path="flights.csv.zip", message=Struct, key="tailnum",
    ...             targets=["flights/aircraft"]).format
    'csv'
    """

    path: str | PathLike[str] = field(converter=as_path, validator=is_path)
    format: str = field(default=Factory(_ingress_format, takes_self=True), validator=_check_ingress_format)


@frozen(kw_only=True)
class FileEgress:
    """A file that records are appended to, each exactly once, whatever is killed when.

    Nothing is written before the commit of what caused it; what a file holds beyond the committed length is cut off when
    the runtime starts again. A file that is there before its first use is appended to.

    Args:
        id: `<namespace>/<name>`, or an `Egress`: where functions send to.
        path: The file.
        format: `"jsonl"` (a JSON value on each line), `"text"` (a line of text), `"bytes"` (a bytes or str as it is,
            else the serialized value, without a separator); by the path's suffix (`.jsonl`, `.txt`, `.bin`, …) when omitted.

    Raises:
        BindingError: no format is known for the path.
        TypenameError: the id has another form.

    >>> FileEgress(id="flights/alerts", path="alerts.jsonl").format
    'jsonl'
    """

    id: str = field(converter=as_egress_id, validator=is_id)
    path: str | PathLike[str] = field(converter=as_path, validator=is_path)
    format: str = field(default=Factory(_egress_format, takes_self=True), validator=_check_egress_format)
