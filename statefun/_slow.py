"""Warns once, when protobuf runs on its pure-Python implementation: everything is about ten times slower with it."""

from __future__ import annotations

import warnings

from google.protobuf.internal import api_implementation

if api_implementation.Type() == "python":
    warnings.warn(
        "protobuf runs on its pure-Python implementation, which makes statefun about ten times slower; "
        "install a protobuf wheel for this platform, or unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION",
        RuntimeWarning,
        stacklevel=1,
    )
