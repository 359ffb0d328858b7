"""The virtual environments of the contenders, and the protobuf that each must end up with: "upb" or "python"."""

from benchmarks.common.environments import PROTOBUF_7, Environment, this_repository

ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        # What `pip install apache-flink-statefun==3.3.0` gives: its metadata asks for protobuf below 4, whose newest release
        # has no binary for Python 3.11 and runs in pure Python.
        Environment("official-3.3", (("apache-flink-statefun==3.3.0", "protobuf==3.20.3"),)),
        # The same SDK on the protobuf that this repository uses. Its metadata forbids that; its generated code, which protoc 3.20
        # wrote, runs there unchanged.
        Environment("official-3.3-upb", (("--no-deps", "apache-flink-statefun==3.3.0"), ("--no-deps", PROTOBUF_7))),
        # What `pip install apache-flink-statefun==2.2.2` gives. Its generated code is older still and needs protobuf 3.
        Environment("official-2.2", (("apache-flink-statefun==2.2.2", "protobuf==3.20.3"),)),
        this_repository("ours"),
    )
}

IMPLEMENTATIONS = {"official-3.3": "python", "official-3.3-upb": "upb", "official-2.2": "python", "ours": "upb"}
