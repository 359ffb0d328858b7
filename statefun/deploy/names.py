"""What may stand as a name in the files of a deployment: labels of DNS, and references of images."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from statefun.errors import BindingError

__all__ = ["check_name", "dns_name", "is_label", "is_reference"]

_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LONGEST: Final = 40
"""Of a name, so that `-functions` and what Flink appends for itself still fit into the 63 characters of a label."""

# The grammar of references that Docker, containerd and Kubernetes share (github.com/distribution/reference).
_PART: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST_PART: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST: Final = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"
_TAG: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST: Final = r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}"
_REFERENCE: Final = re.compile(rf"(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)(?::{_TAG})?(?:@(?:{_DIGEST}))?")


def dns_name(text: str) -> str:
    """A label of DNS-1123 that is made from a text: lower case letters, digits and hyphens, 40 at most, and a letter first.

    Kubernetes names a Service by the older DNS-1035, which has no digit at its start. Of letters with accents the letters are kept.

    Raises:
        BindingError: the text has no letter from a to z and no digit.

    >>> dns_name("My_Shop.orders"), dns_name("--a--"), dns_name("3rd"), dns_name("Café")
    ('my-shop-orders', 'a', 'f-3rd', 'cafe')
    """
    letters = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    name = re.sub(r"[^a-z0-9]+", "-", letters.lower()).strip("-")
    if name[:1].isdigit():
        name = f"f-{name}"
    name = name[:_LONGEST].rstrip("-")
    if not name:
        raise BindingError(
            f"the name {text!r} has no letter from a to z and no digit", hint="name the deployment: --name shop"
        )
    return name


def check_name(text: str) -> str:
    """The name that was given, when everything can be named after it as it is.

    Raises:
        BindingError: it would have to be changed.
    """
    if len(text) > _LONGEST or text[:1].isdigit() or not is_label(text):
        raise BindingError(
            f"nothing can be named {text!r}",
            hint=f"write lower case letters, digits and hyphens, {_LONGEST} at most, the first a letter and the last no hyphen, "
            f"such as --name {dns_name(text)}",
        )
    return text


def is_label(text: str) -> bool:
    """Whether a text is a label of DNS-1123."""
    return len(text) <= 63 and _LABEL.fullmatch(text) is not None


def is_reference(text: str) -> bool:
    """Whether a text refers to an image: `HOST:PORT/PATH:TAG@DIGEST`, of which all but the path may be left out.

    >>> is_reference("registry.example.org:5000/shop:1"), is_reference("Shop"), is_reference("shop:a b")
    (True, False, False)
    """
    found = _REFERENCE.fullmatch(text)
    # 64 hexadecimal digits are the id of an image on one machine, which no other knows.
    return found is not None and len(found["name"]) <= 255 and re.fullmatch(r"[0-9a-f]{64}", text) is None
