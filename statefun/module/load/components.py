"""Where the components of a file are, and of which kind each is: in one document with a version, or one document for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from attrs import frozen

from statefun.errors import ModuleKindError, ModuleSyntaxError, ModuleValueError
from statefun.model import HttpEndpoint, ModuleEgress, ModuleIngress, ModuleVersion
from statefun.model.playground import PLAYGROUND_EGRESS, PLAYGROUND_INGRESS
from statefun.module.kinds import KINDS, UNSUPPORTED, Kind, Role
from statefun.module.load.document import Fields, Node
from statefun.module.load.egresses import read_kafka_egress, read_kinesis_egress, read_playground_egress
from statefun.module.load.endpoints import read_endpoint_v1, read_endpoint_v2, read_function
from statefun.module.load.ingresses import (
    Component,
    read_kafka_ingress,
    read_kinesis_ingress,
    read_playground_ingress,
)
from statefun.module.load.sections import Reading, Section, close_to

__all__ = ["read_components", "read_version"]

Part: TypeAlias = HttpEndpoint | ModuleIngress | ModuleEgress
Parts: TypeAlias = tuple[list[HttpEndpoint], list[ModuleIngress], list[ModuleEgress]]

_VERSIONS: Final = {each.value: each for each in ModuleVersion if each is not ModuleVersion.V3_1}
_STREAM: Final = "a module of 3.x is a stream of documents with `kind` and `spec`, `---` between them, and no version"
_FIXED_IDS: Final = {Kind.PLAYGROUND_INGRESS: PLAYGROUND_INGRESS, Kind.PLAYGROUND_EGRESS: PLAYGROUND_EGRESS}

_READERS: Final[Mapping[Kind, Callable[[Reading, Component], Part | None]]] = {
    Kind.HTTP_V1: read_endpoint_v1,
    Kind.HTTP_V2: read_endpoint_v2,
    Kind.KAFKA_INGRESS: read_kafka_ingress,
    Kind.KAFKA_EGRESS: read_kafka_egress,
    Kind.KINESIS_INGRESS: read_kinesis_ingress,
    Kind.KINESIS_EGRESS: read_kinesis_egress,
    Kind.PLAYGROUND_INGRESS: read_playground_ingress,
    Kind.PLAYGROUND_EGRESS: read_playground_egress,
}


@frozen
class _Found:
    """A component and its kind."""

    kind: Kind
    component: Component


def read_version(reading: Reading, roots: list[Node]) -> ModuleVersion:
    """Tells the version of the format: the one that is written, or 3.1 for a stream of components.

    Raises:
        ModuleError: it is not known; nothing more can be read then.
    """
    rooted = [each for each in roots if isinstance(each, Fields) and {"version", "module"} & set(each.fields)]
    if not rooted:
        return ModuleVersion.V3_1
    root = rooted[0]
    if len(roots) > 1:
        key = next(key for key in ("version", "module") if key in root.fields)
        message = f"`{key}` is in a file of {len(roots)} documents"
        reading.problem(
            ModuleSyntaxError, root.keys[key], key, message, f"a module with a version is one document; {_STREAM}"
        )
    section = Section(reading, "the module", root.place, root.path, root.fields, len(reading.problems), root.keys)
    section.require("version")
    text = section.text("version")
    version = _VERSIONS.get(text or "")
    if version is None and text:
        hint = _STREAM if text.startswith("3") else f"write one of {', '.join(map(repr, _VERSIONS))}; {_STREAM}"
        node = root.fields["version"]
        reading.problem(ModuleKindError, node.place, "version", f"the version {text!r:.40} is not known", hint)
    reading.finish()
    return version or ModuleVersion.V3_1


def read_components(reading: Reading, roots: list[Node], version: ModuleVersion) -> Parts:
    """Reads all components of a file."""
    found = _stream(reading, roots) if version is ModuleVersion.V3_1 else _rooted(reading, roots[0], version)
    parts: Parts = ([], [], [])
    seen: dict[tuple[Role, str], Part] = {}
    for each in found:
        if each.kind is Kind.FUNCTION:
            part: Part | None = read_function(reading, each.component, version)
        else:
            part = _READERS[each.kind](reading, each.component)
        if part is None:
            continue
        role, name = each.kind.role, part.functions if isinstance(part, HttpEndpoint) else part.id
        first = seen.setdefault((role, name), part)
        if first is not part:
            message = f"there are two of {role.value} {name!r:.80}; the first is at {first.source}"
            place = each.component.source
            reading.problem(
                ModuleValueError, place, each.component.spec.path, message, "remove one of them, or rename it"
            )
        elif isinstance(part, HttpEndpoint):
            parts[0].append(part)
        elif isinstance(part, ModuleIngress):
            parts[1].append(part)
        else:
            parts[2].append(part)
    return parts


def _stream(reading: Reading, roots: list[Node]) -> Iterator[_Found]:
    for root in roots:
        mark = len(reading.problems)
        section = Section.of(reading, root, "the component", required=("kind", "spec"))
        kind = _kind(reading, section, "kind", ModuleVersion.V3_1)
        spec = section.fields.get("spec")
        if kind is not None and spec is not None:
            yield _Found(kind, Component(spec, root.place, None, mark))


def _rooted(reading: Reading, root: Node, version: ModuleVersion) -> Iterator[_Found]:
    top = Section.of(reading, root, "the module", required=("version", "module"))
    module = top.section("module", "`module`", required=("meta", "spec"))
    if module is None:
        return
    meta = module.section("meta", required=("type",))
    if meta is not None:
        meta.choice("type", {"remote": True}, default=True, ignore_case=True)
    endpoints, endpoint = ("endpoints", "endpoint") if version is ModuleVersion.V3_0 else ("functions", "function")
    spec = module.section(
        "spec",
        optional=(endpoints, "ingresses", "egresses"),
        elsewhere={
            "functions": "write `endpoints`, as version 3.0 calls them",
            "endpoints": "write `functions`, as versions 1.0 and 2.0 call them",
            "routers": UNSUPPORTED["org.apache.flink.statefun.sdk/protobuf-router"],
        },
    )
    if spec is None:
        return
    for role, plural, singular in (
        (Role.ENDPOINT, endpoints, endpoint),
        (Role.INGRESS, "ingresses", "ingress"),
        (Role.EGRESS, "egresses", "egress"),
    ):
        for node in spec.items(plural):
            found = _entry(reading, node, (plural, singular), role, version)
            if found is not None:
                yield found


def _entry(reading: Reading, node: Node, names: tuple[str, str], role: Role, version: ModuleVersion) -> _Found | None:
    plural, singular = names
    mark = len(reading.problems)
    item = Section.of(reading, node, f"an item of {plural}", required=(singular,))
    entry = item.section(singular, f"the {singular}", required=("meta", "spec"))
    if entry is None:
        return None
    # A function has a kind and its own type; an endpoint of 3.0 a kind; everything else has a type and an id.
    kind_key, id_key = ("kind", "type") if role is Role.ENDPOINT else ("type", "id")
    has_id = role is not Role.ENDPOINT or version is not ModuleVersion.V3_0
    meta = entry.section("meta", f"the meta of the {singular}", required=(kind_key, *((id_key,) if has_id else ())))
    spec = entry.fields.get("spec")
    if meta is None or spec is None:
        return None
    kind = _kind(reading, meta, kind_key, version, role)
    id = meta.typename(id_key) if has_id else None
    if kind is None:
        return None
    fixed = _FIXED_IDS.get(kind) if version is ModuleVersion.V3_0 else None
    if fixed is not None and id != fixed:
        reading.bad_value(
            meta.fields.get("id", spec), f"the id of {kind.value} is {id!r:.80}", f"write {fixed}, its one id in 3.x"
        )
    return _Found(kind, Component(spec, node.place, id, mark))


def _kind(
    reading: Reading, section: Section, key: str, version: ModuleVersion, role: Role | None = None
) -> Kind | None:
    """Tells the kind that a key names; None where it is not known, or not there."""
    node = section.fields.get(key)
    text = "" if node is None else reading.text(node, f"`{key}` of {section.what}")
    if node is None or not text:
        return None
    known = {name: kind for name, kind in KINDS[version].items() if role is None or kind.role is role}
    kind = known.get(text.lower() if text.lower() == "http" and version is not ModuleVersion.V3_0 else text)
    if kind is None:
        reading.problem(
            ModuleKindError,
            node.place,
            node.path,
            f"{text!r:.80} is no kind of {role.value if role else 'component'} in version {version.value}",
            _instead(text, version, known),
        )
    return kind


def _instead(text: str, version: ModuleVersion, known: Mapping[str, Kind]) -> str:
    """What to write for a kind that is not known."""
    if text in UNSUPPORTED:
        return UNSUPPORTED[text]
    for other, kinds in KINDS.items():
        kind = kinds.get(text)
        if kind is not None and kind in known.values():
            name = next(name for name, each in known.items() if each is kind)
            return f"version {other.value} calls it so; write {name}"
        if kind is not None:
            return f"it is {kind.value}" + ("" if kind in KINDS[version].values() else f" in version {other.value}")
    close = close_to(text, known)
    return f"did you mean {close}?" if close else f"known kinds: {', '.join(known)}"
