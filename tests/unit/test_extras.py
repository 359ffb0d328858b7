"""What needs an extra says so where it is missing, by the extra's name, and the core needs none."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from statefun.errors import MissingExtraError
from statefun.extras import extra, missing_extra

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
OWN = {"demo", "bench", "test", "dev"}  # of the project itself

OPENING = """
import asyncio
from statefun import STRING, StatefulFunctions
from statefun.model import {kind}
from statefun.runtime.{opening} import {open}
functions = StatefulFunctions()
functions.bind("a/b")(lambda context, message: None)
functions.{what}({made})
{open}(functions.{what}es[0])
"""


def opening(made: str) -> str:
    kind = made.partition("(")[0]
    what = "ingress" if kind.endswith("Ingress") else "egress"
    return OPENING.format(
        kind=kind,
        opening=f"{what}.opening",
        open="open_source" if what == "ingress" else "make_sink",
        what=what,
        made=made,
    )


CLASS = "import attrs, statefun\nA = attrs.make_class('A', {'a': attrs.field(type=str)})"
READING = """
from statefun.binding.rows_to_messages import row_encoders
from statefun.model import FileIngress
named = statefun.ValueType("a/a", encode=lambda value: b"", decode=lambda data: A(""), python_type=A)
row_encoders(FileIngress(id="a/i", path="i.csv", key="a", message=named, targets=["a/b"]))
"""

NEEDING = [
    ("aiohttp", "aiohttp", "import statefun.serving.aiohttp"),
    ("aiohttp", "runtime", "import asyncio, statefun.client as c; asyncio.run(c.HttpClient('http://h').__aenter__())"),
    ("cattrs", "cattrs", f"{CLASS}\nstatefun.json_type('a/a', A)"),
    ("cattrs", "cattrs", f"{CLASS}\n{READING}"),
    ("apsw", "runtime", "import statefun.embedded"),
    ("apsw", "runtime", "import statefun.runtime.remote"),
    ("apsw", "runtime", "import statefun.runtime.backup"),
    ("yaml", "module", "import statefun.module.load"),
    ("yaml", "module", "import statefun.module.render"),
    ("opentelemetry", "otel", "import statefun.observing.opentelemetry"),
    ("opentelemetry", "otel", "import statefun.serving.tracing"),
    ("prometheus_client", "prometheus", "import statefun.observing.prometheus"),
    ("prometheus_client", "prometheus", "import statefun.serving.metrics"),
    (
        "confluent_kafka",
        "kafka",
        opening("KafkaIngress(id='a/i', address='h:1', topic='t', message=STRING, targets=['a/b'])"),
    ),
    ("confluent_kafka", "kafka", opening("KafkaEgress(id='a/e', address='h:1')")),
    ("aiobotocore", "kinesis", opening("KinesisEgress(id='a/e')")),
    ("psycopg", "postgres", opening("PostgresEgress(id='a/e', dsn='postgres://h', table='t')")),
    ("aiohttp", "webhook", opening("WebhookEgress(id='a/e', url='http://localhost/', secret='x' * 32)")),
]


@pytest.mark.parametrize(("package", "name", "program"), NEEDING)
def test_what_needs_an_extra_names_it_where_it_is_missing(package: str, name: str, program: str) -> None:
    command = [sys.executable, "-c", f"import sys; sys.modules[{package!r}] = None\n{program}"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert result.stderr.splitlines()[-1] == (
        f"statefun.errors.MissingExtraError: [missing-extra] this needs the package {package!r}, which is not "
        f"installed (hint: pip install 'statefun-typed[{name}]')"
    )


def test_it_is_an_import_error_to_whoever_does_without() -> None:
    with pytest.raises(ImportError), extra("kafka"):
        raise ModuleNotFoundError("no such package", name="confluent_kafka.admin")


@pytest.mark.parametrize("error", [ModuleNotFoundError("ours", name="statefun.nothing"), ImportError("a broken one")])
def test_another_error_goes_through(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, extra("kafka"):
        raise error
    assert caught.value is error


def test_the_innermost_extra_is_named() -> None:
    with pytest.raises(MissingExtraError, match=r"\[module\]"), extra("runtime"), extra("module"):
        raise ModuleNotFoundError("no yaml", name="yaml")


def test_a_package_of_no_extra_is_no_missing_extra() -> None:
    assert missing_extra(ModuleNotFoundError("theirs", name="pandas.core")) is None
    assert missing_extra(ModuleNotFoundError("nameless")) is None


def test_each_extra_that_is_named_anywhere_is_one_and_the_readme_lists_them_all() -> None:
    readme = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| (`.*?) \|", readme.partition("| extra | for |")[2], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == EXTRAS.keys() - OWN
    named = set()
    for file in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("statefun/**/*.py")]:
        text = file.read_text(encoding="utf-8")
        for found in re.findall(r"(?:statefun-typed|'\.)\[([\w,]+)\]", text) + re.findall(
            r'with extra\("(\w+)"\)', text
        ):
            named.update(found.split(","))
    assert named <= EXTRAS.keys() - OWN
    assert {"kafka", "runtime", "serve"} <= named
