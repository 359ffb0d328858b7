"""The mistakes of all subjects, for tests that take what is written wrong as it comes."""

from __future__ import annotations

from tests.unit.module.mistakes.keys import KEYS
from tests.unit.module.mistakes.names import NAMES
from tests.unit.module.mistakes.rooted import ROOTED
from tests.unit.module.mistakes.urls import URLS
from tests.unit.module.mistakes.values import VALUES

CASES = {**KEYS, **NAMES, **VALUES, **URLS, **ROOTED}
