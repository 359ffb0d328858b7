"""How AWS is reached: a region and credentials, spelt alike in both formats."""

from __future__ import annotations

from typing import Final

from statefun.model import AwsCredentials, AwsProfile, AwsRegion
from statefun.module.load.sections import Section

__all__ = ["read_credentials", "read_region"]

_REGIONS: Final = {"default": (), "specific": ("id",), "custom-endpoint": ("endpoint", "id")}
_CREDENTIALS: Final = {
    "default": (),
    "basic": ("accessKeyId", "secretAccessKey"),
    "profile": ("profileName", "profilePath"),
}
_OPTIONAL: Final = {"profilePath"}


def _of_type(section: Section | None, types: dict[str, tuple[str, ...]]) -> tuple[Section, tuple[str, ...]] | None:
    """Checks that a section has the keys of its type; None where there is nothing more to read."""
    if section is None:
        return None
    keys = section.choice("type", types, ())
    for key in keys:
        if key not in _OPTIONAL:
            section.require(key)
    for name, others in types.items():
        for key in others:
            if key not in keys and key in section.fields:
                section.unknown(key, f"it belongs to the type {name}")
    return (section, keys) if keys else None


def read_region(spec: Section) -> AwsRegion | None:
    """The region; None for the default."""
    found = _of_type(spec.section("awsRegion", required=("type",), optional=("id", "endpoint")), _REGIONS)
    if found is None:
        return None
    section, keys = found
    id = section.text("id") or ""
    endpoint = section.text("endpoint") if "endpoint" in keys else None
    return spec.reading.make(section, lambda: AwsRegion(id=id, endpoint=endpoint))


def read_credentials(spec: Section) -> AwsCredentials | AwsProfile | None:
    """The credentials; None for the default."""
    found = _of_type(
        spec.section(
            "awsCredentials",
            required=("type",),
            optional=("accessKeyId", "secretAccessKey", "profileName", "profilePath"),
        ),
        _CREDENTIALS,
    )
    if found is None:
        return None
    section, keys = found
    if "profileName" in keys:
        name, path = section.text("profileName") or "", section.text("profilePath")
        return spec.reading.make(section, lambda: AwsProfile(name=name, path=path))
    key = section.text("accessKeyId", secret=True) or ""
    secret = section.text("secretAccessKey", secret=True) or ""
    return spec.reading.make(section, lambda: AwsCredentials(access_key_id=key, secret_access_key=secret))
