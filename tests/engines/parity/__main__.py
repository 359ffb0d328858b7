"""Runs the parity scenarios in all worlds and writes docs/parity.md: `python -m tests.engines.parity`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.engines.parity.page import PAGE, page
from tests.engines.parity.suite import difference, expected, run_everywhere
from tests.services.broker import Broker


def main() -> int:
    """Writes the page; 1 when a world came to something else than the model."""
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder) / "kafka") as broker:
        outcomes = run_everywhere(broker, Path(folder))
    PAGE.write_text(page(outcomes), encoding="utf-8")
    status = 0
    for name, outcome in outcomes.items():
        differences = difference(expected(), outcome)
        print(f"{name}: {outcome.digest()}", *differences[:10], sep="\n")
        status |= bool(differences)
    return status


if __name__ == "__main__":
    sys.exit(main())
