"""docs/python.md: every block runs, on both protocols; and the runner notices a page that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from statefun.batch import ProtocolVersion
from tests.conformance.pages import parts, run_page
from tests.conformance.rig import PROTOCOLS, V3

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
def test_every_block_of_the_page_runs_as_shown(protocol: ProtocolVersion) -> None:
    executed = run_page(PAGE, protocol)
    assert executed >= sum(part.kind in ("python", "run", "check") for part in parts(PAGE.read_text()))


def test_each_example_of_the_page_is_there_decorated_and_as_a_class() -> None:
    page = PAGE.read_text()
    assert page.count("\nDecorated:\n") == page.count("\nAs a class:\n") >= 10


def test_the_page_keeps_the_order_of_the_seeds_sections() -> None:
    seed = (Path(__file__).parent / "seed" / "page.md").read_text()
    expected = [line.lower() for line in seed.splitlines() if line.startswith("## ")]
    headings = [line.lower() for line in PAGE.read_text().splitlines() if line.startswith("## ")]
    assert [heading for heading in headings if heading in expected] == expected


BLOCK = "```python\nfrom statefun import StatefulFunctions\nfunctions = StatefulFunctions()\nprint('a')\n```\n"
DIFFERENT = """
```python
from statefun import StatefulFunctions
functions = StatefulFunctions()
functions.register("a/b", lambda context, message: None)
```
```python
functions = StatefulFunctions()
functions.register("a/c", lambda context, message: None)
```
<!-- run
print(functions.typenames)
-->
"""


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        (BLOCK + "```text\nb\n```\n", "printed was 'a"),
        (BLOCK, "does not show that it prints 'a"),
        (BLOCK + "```python\npass\n```\n", "nothing shows that this was printed"),
        ("<!-- run\npass\n-->\n", "there is nothing to run"),
        ("```ruby\n```\n", "nothing is known of 'ruby'"),
        (
            DIFFERENT,
            "the forms differ",
        ),
    ],
)
def test_a_page_that_is_wrong_is_noticed(tmp_path: Path, page: str, complaint: str) -> None:
    path = tmp_path / "page.md"
    path.write_text(page)
    with pytest.raises(AssertionError, match=complaint):
        run_page(path, V3)
