"""Prints each line of the negative modules that is reported, with the messages of both checkers: `python -m tests.typing`."""

from __future__ import annotations

from tests.typing.checkers import CHECKERS, negative_modules, reported


def main() -> None:
    paths = negative_modules()
    reports = {checker: reported(paths, checker) for checker in CHECKERS}
    places = sorted({place for found in reports.values() for place in found})
    lines = {path.name: path.read_text().splitlines() for path in paths}
    for name, number in places:
        print(f"{name}:{number}: {lines[name][number - 1].strip()}")
        for checker in CHECKERS:
            for report in reports[checker].get((name, number), ()):
                print(f"  {checker + ':':8} {report}")


if __name__ == "__main__":
    main()
