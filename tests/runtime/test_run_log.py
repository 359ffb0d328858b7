"""`statefun run` shows the log of the runtime, unless the program has set up logging."""

from __future__ import annotations

import logging

import pytest

from statefun.cli.logs import log_shown


def test_the_log_of_a_run_is_shown_as_long_as_it_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.getLogger("statefun.runtime.http")
    # Others have set up logging here: pytest, at the root, and the proofs.
    monkeypatch.setattr(logging.getLogger("statefun"), "propagate", False)
    monkeypatch.setattr(logging.getLogger("statefun.runtime"), "handlers", [])
    with log_shown():
        log.info("%s listens", "example/in")
        log.warning("nobody\x1b[31m answers\n")
        log.debug("a detail")
    log.info("the end")
    assert capsys.readouterr().err == "example/in listens\nnobody\\x1b[31m answers\\n\n"


def test_a_program_that_has_set_up_logging_has_the_say(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with log_shown(), caplog.at_level(logging.WARNING):
        logging.getLogger("statefun.runtime.http").info("example/in listens")
        logging.getLogger("statefun.runtime.http").warning("nobody answers")
    assert capsys.readouterr().err == ""
    assert caplog.messages == ["nobody answers"]
