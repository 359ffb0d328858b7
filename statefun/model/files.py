"""The neutral model of a module: its ingresses and egresses as frozen values, which every engine is given or rendered from.

What a user writes (`FileIngress`, `FileEgress`) says what is meant in the user's own classes. `StatefulFunctions.ingress` and
`egress` resolve it into a `BoundIngress` and a `BoundEgress`, in which there are only names, bytes and the functions between.
An ingress or egress of another kind stands beside these as a value of its own, in the same bound form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import Factory, evolve, field, frozen

from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import BindingError
from statefun.model.checks import is_id
from statefun.model.feeds import RECORD_FORMATS, RecordIngress
from statefun.model.stdout import id_of
from statefun.model.tables import Column

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["BoundEgress", "BoundIngress", "FileEgress", "FileIngress", "RowEncoder"]

RowEncoder: TypeAlias = Callable[[Any], TypedBytes]
"""From a record to the message it becomes: from a mapping of its columns, or, in the format `"protobuf"`, from its bytes."""

INGRESS_FORMATS: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
EGRESS_FORMATS: Final = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "text",
    ".log": "text",
    ".bin": "bytes",
}
COMPRESSIONS: Final = (".gz", ".zip")


def _suffix(path: str) -> str:
    for compression in COMPRESSIONS:
        path = path.removesuffix(compression)
    dot = path.rfind(".")
    return path[dot:].lower() if dot >= 0 else ""


def _ingress_format(made: Any) -> str:
    return INGRESS_FORMATS.get(_suffix(str(made.path)), "")


def _egress_format(made: Any) -> str:
    return EGRESS_FORMATS.get(_suffix(str(made.path)), "")


def _check_ingress_format(made: Any, _attribute: object, value: str) -> None:
    _check_format(made, RECORD_FORMATS, value)


def _check_egress_format(made: Any, _attribute: object, value: str) -> None:
    _check_format(made, dict.fromkeys(EGRESS_FORMATS.values()), value)


def _check_format(made: Any, formats: Iterable[str], value: str) -> None:
    if value not in formats:
        what = f"the format {value!r}" if value else f"the path {made.path!r} and no format"
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

    path: str | PathLike[str] = field(converter=str)
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

    id: str = field(converter=id_of, validator=is_id)
    path: str | PathLike[str] = field(converter=str)
    format: str = field(default=Factory(_egress_format, takes_self=True), validator=_check_egress_format)


def _no_key(_record: Any) -> Any:
    return None


def _as_it_is(_typename: str, value: bytes) -> bytes:
    return value


@frozen
class BoundIngress:
    """An ingress with nothing left to look up.

    Attributes:
        ingress: What the user wrote; its class says which kind it is.
        targets: The function types that get each record, `<namespace>/<name>`.
        key: From a record to the id it goes to; None or an empty text where it has none. Not of those whose records have a key.
        encoders: From a record to its message, for each protocol; empty for those whose records are bytes of a named type.
        named: The ingress for each protocol, where the names of its types differ between them; None where they do not.
    """

    ingress: Any
    targets: tuple[str, ...] = ()
    key: Callable[[Any], Any] = _no_key
    encoders: Mapping[ProtocolVersion, RowEncoder] = field(factory=dict[ProtocolVersion, RowEncoder])
    named: Callable[[ProtocolVersion], Any] | None = None

    def for_protocol(self, protocol: ProtocolVersion) -> BoundIngress:
        """The same where every type has the name that a protocol gives it.

        Raises:
            BindingError: a type has no name in the protocol.
        """
        return self if self.named is None else evolve(self, ingress=self.named(protocol), named=None)


@frozen
class BoundEgress:
    """An egress with nothing left to look up.

    Attributes:
        egress: What the user wrote; its class says which kind it is.
        encode: From the typename and bytes of a value to what the egress stores of it; its bytes, where the sink has its own way.
        columns: The columns of a table, in their order; `encode` gives the JSON object of a row. Empty for everything else.
    """

    egress: Any
    encode: Callable[[str, bytes], bytes] = _as_it_is
    columns: tuple[Column, ...] = ()
