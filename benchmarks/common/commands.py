"""The child's side of `benchmarks.common.child`. It imports nothing but Python's own: it runs in every environment."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any


def serve(commands: Mapping[str, Callable[..., dict[str, Any]]]) -> None:
    """Answer commands until standard input ends.

    They come as lines of JSON, answers go as lines of JSON to what was standard output: whatever else prints goes to standard
    error, and never between the answers.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        arguments: dict[str, Any] = json.loads(line)
        answers.write(json.dumps(commands[arguments.pop("do")](**arguments)) + "\n")
        answers.flush()
