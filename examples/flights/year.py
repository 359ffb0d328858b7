"""`statefun run examples.flights.year:functions --store DIR` runs the whole year and writes alerts.jsonl."""

from __future__ import annotations

from pathlib import Path

from examples.flights.data import archive
from examples.flights.program import build

functions = build(flights=archive(), alerts=Path("alerts.jsonl"))
