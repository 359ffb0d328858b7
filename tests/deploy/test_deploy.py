"""The files of `statefun deploy`, judged by what others publish: the schemas of Kubernetes, a parser of Compose, Docker's own parser."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import dockerfile
import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

from statefun.deploy.compose import compose
from statefun.deploy.deployment import Deployment, Tls
from statefun.deploy.docker import docker
from statefun.deploy.kubernetes import kubernetes
from statefun.deploy.names import dns_name
from statefun.errors import BindingError
from statefun.model import HttpEndpoint, KafkaEgress, Module
from statefun.module.load import load

MODULE = Module(
    endpoints=[HttpEndpoint(functions="shop/*", url="https://functions:8000/statefun")],
    egresses=[KafkaEgress(id="shop/out", address="kafka:9092")],
)
PLAIN = Deployment(target="shop:functions", module=MODULE, name="shop", version="0.1.0", image="shop-functions:1")
KUBERNETES = "1.31"
ROOT = Path(__file__).resolve().parents[2]


def parts(files: Mapping[str, str], name: str) -> dict[tuple[str, str], Any]:
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(files[name])}


@pytest.fixture(params=list(Tls), ids=lambda tls: tls.value)
def deployment(request: pytest.FixtureRequest) -> Deployment:
    return attrs.evolve(PLAIN, tls=request.param, namespace="prod", parallelism=3)


def test_manifests_fit_the_strict_schemas_of_kubernetes(deployment: Deployment) -> None:
    files = kubernetes(deployment)
    manifests = [*parts(files, "functions.yaml").values(), *parts(files, "engine.yaml").values()]
    assert len(manifests) == 11
    for each in manifests:
        kubernetes_validate.validate(each, KUBERNETES, strict=True)
        assert each["metadata"]["namespace"] == "prod"


def test_the_schemas_notice_a_mistake() -> None:
    broken = parts(kubernetes(PLAIN), "functions.yaml")["Deployment", "shop-functions"]
    broken["spec"]["template"]["spec"]["containers"][0]["readinessProb"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES, strict=True)


def test_selectors_meet_pods_and_references_meet_parts(deployment: Deployment) -> None:
    files = kubernetes(deployment)
    made = {**parts(files, "functions.yaml"), **parts(files, "engine.yaml")}
    for name in ("functions", "master"):
        labels = made["Deployment", f"shop-{name}"]["spec"]["template"]["metadata"]["labels"]
        assert made["Service", f"shop-{name}"]["spec"]["selector"] == labels
    assert (
        made["PodDisruptionBudget", "shop-functions"]["spec"]["selector"]["matchLabels"]
        == (made["Deployment", "shop-functions"]["spec"]["selector"]["matchLabels"])
    )
    scaled = made["HorizontalPodAutoscaler", "shop-functions"]["spec"]["scaleTargetRef"]
    assert (scaled["kind"], scaled["name"]) in made
    for name in ("master", "worker"):
        pod = made["Deployment", f"shop-{name}"]["spec"]["template"]["spec"]
        assert ("ServiceAccount", pod["serviceAccountName"]) in made
        volumes = {each["name"] for each in pod["volumes"]}
        for mount in pod["containers"][0]["volumeMounts"]:
            assert mount["name"] in volumes
        assert ("ConfigMap", pod["volumes"][0]["configMap"]["name"]) in made
    assert made["Deployment", "shop-worker"]["spec"]["replicas"] == 3


def test_a_worker_that_hangs_ends_itself_within_minutes() -> None:
    manifest = parts(kubernetes(PLAIN), "engine.yaml")["ConfigMap", "shop-engine"]["data"]
    for conf in (compose(PLAIN)["flink-conf.yaml"], manifest["flink-conf.yaml"]):
        settings = dict(line.split(": ", 1) for line in conf.splitlines())
        assert settings["execution.checkpointing.timeout"] == "5min"
        assert settings["task.cancellation.timeout"] == "30000"


def test_the_engine_finds_its_module_and_a_new_master_its_checkpoint() -> None:
    data = parts(kubernetes(PLAIN), "engine.yaml")["ConfigMap", "shop-engine"]["data"]
    assert load(data["module.yaml"]) == MODULE
    settings = dict(line.split(": ", 1) for line in data["flink-conf.yaml"].splitlines())
    assert settings["state.checkpoints.dir"] == "s3://statefun/checkpoints"
    assert settings["high-availability.storageDir"] == "s3://statefun/checkpoints/ha"
    assert settings["kubernetes.cluster-id"] == "shop-engine"


def test_a_compose_file_is_one(deployment: Deployment) -> None:
    files = compose(deployment)
    project = PyCompose.from_yaml(files["compose.yaml"])
    assert project.service_names() == ["kafka", "functions", "statefun-master", "statefun-worker"]
    services = yaml.safe_load(files["compose.yaml"])["services"]
    for each in services.values():
        for other, wanted in each.get("depends_on", {}).items():
            assert wanted == {"condition": "service_healthy"}
            assert "healthcheck" in services[other]
        for volume in each["volumes"]:
            here = volume.partition(":")[0]
            assert not here.startswith("./") or here.startswith("./tls/") or here.removeprefix("./") in files
    assert load(files["module.yaml"]).endpoints == deployment.trusting.endpoints


def test_the_parser_of_compose_notices_a_mistake() -> None:
    text = compose(PLAIN)["compose.yaml"]
    with pytest.raises(ValueError, match="service_well"):
        PyCompose.from_yaml(text.replace("service_healthy", "service_well"))


def test_a_dockerfile_is_read_by_dockers_parser(deployment: Deployment) -> None:
    text = docker(attrs.evolve(deployment, requirements="needs.txt"))["Dockerfile"]
    commands = dockerfile.parse_string(text)
    assert commands[0].cmd == "FROM"
    assert commands[0].value == ("python:3.12-slim",)
    by_name = {each.cmd: each for each in commands}
    assert by_name["USER"].value == ("10001",)
    assert by_name["CMD"].json  # no shell between the signal and the server
    assert list(by_name["CMD"].value) == deployment.serve
    names = [each.cmd for each in commands]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name == "RUN")


@pytest.mark.parametrize("make", [docker, compose, kubernetes])
def test_the_same_deployment_gives_the_same_files(make: Any, deployment: Deployment) -> None:
    assert make(deployment) == make(attrs.evolve(deployment))


def test_each_side_shows_a_certificate_when_tls_is_mutual() -> None:
    mutual = attrs.evolve(PLAIN, tls=Tls.MUTUAL)
    [endpoint] = mutual.trusting.endpoints
    assert endpoint.transport.client_key == "/etc/statefun/tls/tls.key"
    assert mutual.serve[-2:] == ["--client-ca", "/etc/statefun/tls/ca.crt"]
    [endpoint] = attrs.evolve(PLAIN, tls=Tls.SERVER).trusting.endpoints
    assert endpoint.transport.client_key is None
    assert endpoint.transport.trust_cacerts == "/etc/statefun/tls/ca.crt"


def pod(made: Mapping[tuple[str, str], Any], name: str) -> Any:
    return made["Deployment", f"shop-{name}"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("tls", [Tls.SERVER, Tls.MUTUAL], ids=lambda tls: tls.value)
def test_whoever_a_container_runs_as_may_read_its_key(tls: Tls) -> None:
    files = kubernetes(attrs.evolve(PLAIN, tls=tls))
    made = {**parts(files, "functions.yaml"), **parts(files, "engine.yaml")}
    for name, group in (("functions", 10001), ("master", 9999), ("worker", 9999)):
        [secret] = [each["secret"] for each in pod(made, name)["volumes"] if "secret" in each]
        assert secret["defaultMode"] == 0o440  # for root and the group alone
        assert pod(made, name)["securityContext"]["fsGroup"] == group


def test_an_engine_without_a_key_asks_for_no_group() -> None:
    made = parts(kubernetes(PLAIN), "engine.yaml")
    assert "securityContext" not in pod(made, "master")
    assert "securityContext" not in pod(made, "worker")


@pytest.mark.parametrize(
    ("text", "name"), [("Ünï_-", "uni"), ("Café", "cafe"), ("a" * 39 + "_b", "a" * 39), ("my_shop", "my-shop")]
)
def test_a_name_is_made_of_what_a_text_has_of_one(text: str, name: str) -> None:
    assert dns_name(text) == name


@pytest.mark.parametrize("text", ["", "--", "_", "ß", "店"])
def test_a_name_without_letters_is_refused(text: str) -> None:
    with pytest.raises(BindingError):
        dns_name(text)


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "Prod"},
        {"namespace": "a" * 64},
        {"checkpoints": "file:///tmp"},
        {"checkpoints": "s3://b/a # b"},
        {"min_replicas": 3, "max_replicas": 2},
        {"name": "Shop"},
        {"name": "a" * 41},
        {"name": "3rd"},
        {"name": "a-"},
        {"name": "a\n"},
        {"python": "3.12\nUSER root"},
        {"python": "3.10"},
        {"requirements": "/etc/needs.txt"},
        {"requirements": "../needs.txt"},
        {"wheel": "dist/statefun_typed-0.1.0-py3-none-any.whl"},
    ],
)
def test_what_would_make_a_broken_file_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BindingError):
        attrs.evolve(PLAIN, **change)


DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    "image",
    [
        "shop",
        "shop-functions:latest",
        "my__shop/a.b_c--d:V1.0-rc_1",
        "localhost/shop",
        "registry.example.org/team/shop:1",
        "Registry.example.org:5000/team/shop:1",
        "10.0.0.1:5000/shop",
        "[2001:db8::1]:5000/shop",
        f"shop@{DIGEST}",
        f"registry.example.org:5000/shop:1@{DIGEST}",
        "shop@sha512:" + "0a" * 64,
        "a" * 255,
        "shop:" + "v" * 128,
    ],
)
def test_a_reference_of_an_image_is_taken(image: str) -> None:
    assert attrs.evolve(PLAIN, image=image).image == image


@pytest.mark.parametrize(
    "image",
    [
        "",
        "BAD IMAGE:x y",
        "Shop",
        "shop:",
        "shop:-1",
        "shop:a:b",
        "shop:1\n",
        "shop:" + "v" * 129,
        "/shop",
        "shop/",
        "team//shop",
        "registry:port/shop",
        "-shop",
        "shop-",
        "sh___op",
        "sh..op",
        "https://registry.example.org/shop",
        "shöp",
        "shop@",
        "shop@sha256:0a",
        f"shop@{DIGEST.upper()}",
        "shop@md5:" + "0a" * 16,
        f"shop@{DIGEST}:1",
        "a" * 256,
        "0a" * 32,  # the id of an image, which no registry knows
    ],
)
def test_what_is_no_reference_of_an_image_is_refused_with_the_option_and_the_way_out(image: str) -> None:
    with pytest.raises(BindingError, match="is no reference of an image") as caught:
        attrs.evolve(PLAIN, image=image)
    assert repr(image) in caught.value.message
    assert "--image registry.example.org/shop-functions:1" in caught.value.hint


def test_an_image_that_compose_builds_has_no_digest_yet() -> None:
    pinned = attrs.evolve(PLAIN, image=f"shop@{DIGEST}")
    with pytest.raises(BindingError, match="digest"):
        compose(pinned)
    made = parts(kubernetes(pinned), "functions.yaml")
    assert pod(made, "functions")["containers"][0]["image"] == f"shop@{DIGEST}"


PROGRAM = """
from statefun import StatefulFunctions
from statefun.model import KafkaEgress

functions = StatefulFunctions()
functions.register("shop/hello", lambda context, message: None)
functions.egress(KafkaEgress(id="shop/out", address="env:BROKERS"))
"""


def deploy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "statefun", "deploy", *words],
        cwd=folder,
        env={"BROKERS": "broker:9092", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("docker", {"Dockerfile", ".dockerignore"}),
        ("compose", {"Dockerfile", ".dockerignore", "compose.yaml", "module.yaml", "flink-conf.yaml"}),
        ("kubernetes", {"Dockerfile", ".dockerignore", "functions.yaml", "engine.yaml"}),
    ],
)
def test_the_verb_writes_the_files_once(tmp_path: Path, kind: str, made: set[str]) -> None:
    (tmp_path / "my_shop.py").write_text(PROGRAM)
    words = (kind, "my_shop:functions", "--engine", "3.3", "--out", "out", "--tls", "mutual", "--from-index")
    first = deploy(tmp_path, *words)
    assert first.returncode == 0, first.stderr
    assert {each.name for each in (tmp_path / "out").iterdir()} == made
    again = deploy(tmp_path, *words)
    assert again.returncode == 1
    assert "[cannot-write]" in again.stderr
    assert deploy(tmp_path, *words, "--force").returncode == 0
    if kind != "docker":
        written = "".join(each.read_text() for each in (tmp_path / "out").glob("*.yaml"))
        assert "address: broker:9092" in written
        host = "functions" if kind == "compose" else "my-shop-functions"
        assert f"https://{host}:8000/statefun" in written
    assert json.dumps(["statefun", "serve", "my_shop:functions"])[:-1] in (tmp_path / "out" / "Dockerfile").read_text()


@pytest.mark.parametrize("name", ["shop", "a--b", "n3", "a" * 40])
def test_a_name_that_is_given_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "shop.py").write_text(PROGRAM)
    made = deploy(tmp_path, "kubernetes", "shop:functions", "--from-index", "--name", name)
    assert made.returncode == 0, made.stderr
    assert f"\n  name: {name}-functions\n" in (tmp_path / "functions.yaml").read_text()
    assert f"http://{name}-functions:8000/statefun" in (tmp_path / "engine.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "told", "hint"),
    [
        (("--image", "BAD IMAGE:x y"), "the image 'BAD IMAGE:x y' is no reference of an image", "--image registry."),
        (("--name", "Ünï_-"), "nothing can be named 'Ünï_-'", "--name uni)"),
        (("--name", "My Shop"), "nothing can be named 'My Shop'", "--name my-shop)"),
        (("--name", "3rd"), "nothing can be named '3rd'", "--name f-3rd)"),
        (("--name", "店"), "the name '店' has no letter", "--name shop)"),
    ],
)
def test_the_verb_refuses_what_it_would_have_to_change(
    tmp_path: Path, words: tuple[str, ...], told: str, hint: str
) -> None:
    (tmp_path / "shop.py").write_text(PROGRAM)
    refused = deploy(tmp_path, "kubernetes", "shop:functions", "--from-index", "--out", "out", *words)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"[binding] {told}" in refused.stderr
    assert hint in refused.stderr
    assert not (tmp_path / "out").exists()
