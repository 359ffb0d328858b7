"""The parent's side of a worker: starts it in its environment and asks it over a pipe."""

import base64

from benchmarks.common.child import Child, ChildFailedError, start
from benchmarks.common.environments import ROOT
from benchmarks.handler.environments import ENVIRONMENTS, IMPLEMENTATIONS
from benchmarks.handler.roster import Contender


class Worker(Child):
    """A contender with a workload's request, ready to be called.

    Raises:
        ChildFailedError: it ends, or it runs on another protobuf or another `statefun` than its environment was made for.
    """

    def __init__(self, contender: Contender, shape: str, request: bytes) -> None:
        python = ENVIRONMENTS[contender.environment].python
        arguments = contender.module, contender.variant, shape
        super().__init__(contender.name, start(python, "benchmarks.handler.worker", *arguments))
        self.contender = contender
        try:
            self.description = self.ask("describe")
            self._check(IMPLEMENTATIONS[contender.environment])
            self.ask("load", request=base64.b64encode(request).decode())
        except BaseException:
            self.close()
            raise

    def answer(self) -> bytes:
        """Give its response to the request."""
        return base64.b64decode(self.ask("answer")["response"])

    def cpu_ns(self, calls: int) -> int:
        """Let it answer so many times; give the CPU time of all of them in nanoseconds."""
        return int(self.ask("time", calls=calls)["cpu_ns"])

    def profile(self, calls: int) -> str:
        """Give the profile of so many calls as text."""
        return str(self.ask("profile", calls=calls)["profile"])

    def _check(self, implementation: str) -> None:
        if self.description["implementation"] != implementation:
            raise ChildFailedError(
                f"{self.contender.name} runs on protobuf's {self.description['implementation']}, not {implementation}"
            )
        imported = self.description["statefun"]
        ours = imported is not None and imported.startswith(str(ROOT / "statefun"))
        if imported is not None and ours != (self.contender.environment == "ours"):
            raise ChildFailedError(f"{self.contender.name} imported {imported}")
