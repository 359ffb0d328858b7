"""`statefun deploy docker|compose|kubernetes package.module:functions`: files to deploy functions and their engine with."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from statefun.cli.installed import installed
from statefun.cli.loading import load_functions
from statefun.cli.showing import escaped
from statefun.deploy.compose import FUNCTIONS, compose
from statefun.deploy.deployment import PORT, Deployment, Tls
from statefun.deploy.docker import docker
from statefun.deploy.kubernetes import functions_host, kubernetes
from statefun.deploy.names import check_name, dns_name
from statefun.errors import StatefunError
from statefun.module.generate import generate

__all__ = ["command"]

_MADE: Final[Mapping[str, Callable[[Deployment], Mapping[str, str]]]] = {
    "docker": docker,
    "compose": compose,
    "kubernetes": kubernetes,
}
_ENGINES: Final = {"3.3": "apache/flink-statefun:3.3.0"}


class WriteError(StatefunError):
    """A file of a deployment cannot be written."""

    code = "cannot-write"


class NeedsError(StatefunError):
    """What the functions need is named by a file that the build of their image would not find."""

    code = "requirements"


@click.command("deploy")
@click.argument("kind", type=click.Choice(list(_MADE)))
@click.argument("target", metavar="PACKAGE.MODULE:FUNCTIONS")
@click.option(
    "--engine", type=click.Choice(list(_ENGINES)), default="3.3", show_default=True, help="Flink StateFun's line."
)
@click.option(
    "--out", type=click.Path(file_okay=False), default=".", show_default=True, help="The directory to write into."
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--name", help="What everything is named after, a DNS label; made from the package when left out.")
@click.option("--image", help="The image of the functions; NAME-functions:latest when left out.")
@click.option("--python", default="3.12", show_default=True, help="The version of Python in the image.")
@click.option(
    "--wheel", metavar="FILE", help="Install this wheel of statefun-typed, which is copied beside the Dockerfile."
)
@click.option("--from-index", is_flag=True, help="Install statefun-typed from the index, wherever it came from here.")
@click.option(
    "--requirements", metavar="FILE", help="What the functions need besides, a file in the build's directory."
)
@click.option("--project", is_flag=True, help="Install the build's directory, a project with a pyproject.toml.")
@click.option(
    "--tls",
    type=click.Choice([each.value for each in Tls]),
    default="off",
    show_default=True,
    help="Between engine and functions.",
)
@click.option("--namespace", help="The namespace of Kubernetes; the one that is applied to when left out.")
@click.option(
    "--checkpoints", default="s3://statefun/checkpoints", show_default=True, help="The engine's, in Kubernetes."
)
@click.option("--parallelism", default=1, show_default=True, type=click.IntRange(1), help="Workers of the engine.")
@click.option("--min-replicas", default=2, show_default=True, type=click.IntRange(1), help="Function servers at least.")
@click.option("--max-replicas", default=10, show_default=True, type=click.IntRange(1), help="Function servers at most.")
def command(
    kind: str,
    target: str,
    engine: str,
    out: str,
    force: bool,
    name: str | None,
    image: str | None,
    python: str,
    wheel: str | None,
    from_index: bool,
    requirements: str | None,
    project: bool,
    tls: str,
    namespace: str | None,
    checkpoints: str,
    parallelism: int,
    min_replicas: int,
    max_replicas: int,
) -> None:
    """Writes what functions and their engine are deployed with.

    An address that the code takes from the environment ("env:NAME") is looked up now. Files that are there are left alone
    without --force, and then nothing is written at all.
    """
    if wheel is not None and from_index:
        raise click.UsageError("--wheel and --from-index are two places for one package: give one of them")
    package = installed(wheel=wheel, from_index=from_index)
    label = dns_name(target.partition(":")[0].partition(".")[0]) if name is None else check_name(name)
    scheme = "http" if tls == Tls.OFF.value else "https"
    host = functions_host(label) if kind == "kubernetes" else FUNCTIONS
    generated = generate(load_functions(target), url=f"{scheme}://{host}:{PORT}/statefun", environment=os.environ)
    for each in generated.left_out:
        print(escaped(f"statefun: {each}"), file=sys.stderr)
    deployment = Deployment(
        target=target,
        module=generated.module,
        name=label,
        version=package.version,
        wheel=None if package.wheel is None else package.wheel.name,
        url=package.url,
        python=python,
        requirements=requirements,
        project=project,
        engine_image=_ENGINES[engine],
        image=f"{label}-functions:latest" if image is None else image,
        namespace=namespace,
        checkpoints=checkpoints,
        parallelism=parallelism,
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        tls=Tls(tls),
    )
    _check_needs(requirements, project)
    files: dict[str, str | bytes] = {**_MADE[kind](deployment)}
    if package.wheel is not None and not _is_there(Path(out), package.wheel):
        files = {package.wheel.name: package.wheel.read_bytes(), **files}
    _write(Path(out), files, force=force)


def _check_needs(requirements: str | None, project: bool) -> None:
    """Refuses files that are not there, and tells of those that are there and not used."""
    named = {"requirements.txt": requirements, "pyproject.toml": "pyproject.toml" if project else None}
    for each in named.values():
        if each is not None and not Path(each).is_file():
            raise NeedsError(
                f"there is no {each} in {Path.cwd()}", hint="name a file in the directory of the functions"
            )
    if any(each is not None for each in named.values()):
        return
    for name, option in (("requirements.txt", "--requirements requirements.txt"), ("pyproject.toml", "--project")):
        if Path(name).is_file():
            print(f"statefun: {name} is here, and the image installs nothing of it: {option}", file=sys.stderr)


def _is_there(folder: Path, wheel: Path) -> bool:
    return (folder / wheel.name).exists() and (folder / wheel.name).samefile(wheel)


def _write(folder: Path, files: Mapping[str, str | bytes], *, force: bool) -> None:
    there = [name for name in files if (folder / name).exists()]
    if there and not force:
        raise WriteError(
            f"{folder} has {', '.join(there)} already",
            hint="name another directory with --out, or replace them: --force",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
            print(escaped(str(folder / name)))
    except OSError as error:
        raise WriteError(f"{folder} cannot be written: {error}", hint="name another directory with --out") from error
