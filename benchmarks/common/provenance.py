"""What a result is told with: the commit, the machine, what else the machine did."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.common.environments import ROOT


def commit(*paths: str) -> str:
    """Name the commit that runs, with a mark when one of these paths differs from it."""
    try:
        name = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--", *paths)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name} with changes" if changed else name


def machine() -> dict[str, Any]:
    """Tell what it runs on."""
    model = platform.processor()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass  # not Linux
    return {"cpu": model, "cores": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()}


def write_json(path: Path, document: Any) -> None:
    """Write a document for programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def progress(text: str) -> None:
    """Show what is going on, on one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
