"""URLs that no function can be called at."""

from __future__ import annotations

from tests.unit.module.mistaken import Mistake, spec

URLS: dict[str, Mistake] = {
    "no URL": (
        spec("endpoints.v2/http", "functions: a/b\nurlPathTemplate: functions:8000"),
        "value",
        3,
        3,
        "spec",
        "is no HTTP URL",
        "http://host:port/path",
    ),
    "another scheme": (
        spec("endpoints.v2/http", "functions: a/b\nurlPathTemplate: ftp://x/"),
        "value",
        3,
        3,
        "spec",
        "is no HTTP URL",
        "https",
    ),
    "a space in a URL": (
        spec("endpoints.v2/http", "functions: a/b\nurlPathTemplate: http://x/a b"),
        "value",
        3,
        3,
        "spec",
        "holds ' '",
        "escape",
    ),
    "another placeholder": (
        spec("endpoints.v2/http", 'functions: a/b\nurlPathTemplate: "http://x/{function.type}"'),
        "value",
        3,
        3,
        "spec",
        "holds '{'",
        "{function.name}",
    ),
    "a port that is none": (
        spec("endpoints.v2/http", "functions: a/b\nurlPathTemplate: http://x:99999/"),
        "value",
        3,
        3,
        "spec",
        "a port that is none",
        "http://host:port/path",
    ),
    "no host": (
        spec("endpoints.v2/http", "functions: a/b\nurlPathTemplate: http:///x"),
        "value",
        3,
        3,
        "spec",
        "has no host",
        "http://host:port/path",
    ),
    "a host from messages": (
        spec("endpoints.v2/http", 'functions: a/*\nurlPathTemplate: "http://{function.name}.x/"'),
        "value",
        3,
        3,
        "spec",
        "its host from the function's name",
        "into the path",
    ),
    "a socket over async": (
        spec("endpoints.v2/http", "functions: a/b\nurlPathTemplate: http+unix:///x.sock/"),
        "value",
        3,
        3,
        "spec",
        "UNIX socket",
        "okhttp",
    ),
    "a socket that is none": (
        spec("endpoints.v1/http", "functions: a/b\nurlPathTemplate: http+unix:///x/y"),
        "value",
        3,
        3,
        "spec",
        "names no socket",
        ".sock",
    ),
}
