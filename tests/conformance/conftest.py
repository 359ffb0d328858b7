"""What is collected, and what the tests of the context reference take: the protocol, and a body to run in it.

The page's blocks are run by their tests, not imported in search of doctests; `released/record.py` needs another package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statefun import Context
from statefun.batch import Effects, ProtocolVersion
from tests.conformance.reference import CALLER, SETH, TARGET, Run, rig
from tests.conformance.rig import PROTOCOLS

collect_ignore_glob = ["seed/blocks/*", "released/record.py"]


@pytest.fixture(params=PROTOCOLS, ids=lambda protocol: protocol.value)
def protocol(request: pytest.FixtureRequest) -> ProtocolVersion:
    return request.param


@pytest.fixture
def run(protocol: ProtocolVersion) -> Run:
    def of(body: Callable[[Context, Any], Any], *, caller: str | None = CALLER, message: Any = SETH) -> Effects:
        return rig(protocol, body).send(TARGET, message, caller=caller)

    return of
