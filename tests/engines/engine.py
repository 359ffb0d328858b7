"""An unmodified Flink StateFun engine for tests: the whole job in one process, from Maven artifacts.

    with Engine("3.3.0", tmp_path / "engine", module) as engine:
        ...                                    # wait for a processed message: a job that RUNS may still miss its first one
        engine.kill()                          # with -9
        engine.start(engine.last_checkpoint())

An engine whose worker has ended itself is started again from its newest checkpoint by whoever waits for it, as a supervisor would do.

The jars come through `make .jars/statefun-3.3.0/.installed` and `make .jars/statefun-2.2.2/.installed`; Java 17 or newer runs them.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final, Literal

from statefun.model import Module, ModuleVersion
from statefun.module.render import render
from tests.services.child import Child, ChildError

__all__ = ["ENDED", "ENGINES", "Engine", "EngineVersion"]

EngineVersion = Literal["3.3.0", "2.2.2"]
ENGINES: Final[tuple[EngineVersion, ...]] = ("3.3.0", "2.2.2")

ROOT: Final = Path(__file__).resolve().parents[2]
CONF: Final = Path(__file__).resolve().parent / "conf"
# Flink 1.11 and 1.16 reach into the collections of the JDK, which newer ones close.
OPENED: Final = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.util", "java.lang", "java.util.concurrent.atomic")
)

ENDED: Final = b"TaskManager #0 failed."
"""What Flink's MiniCluster says when the one worker in it has had a fatal error; the process goes on without it."""


class Engine(Child):
    """One engine and the folder that it keeps everything in.

    Args:
        version: Which of the two.
        folder: Where its settings, its checkpoints and its log are; made when it is not there.
        module: What its module.yaml says, in the format of its line.
    """

    def __init__(self, version: EngineVersion, folder: Path, module: Module) -> None:
        super().__init__(f"the engine {version}", folder / "engine.log")
        self.version: Final = version
        self.folder: Final = folder
        self._jars: Final = ROOT / ".jars" / f"statefun-{version}"
        self._checked = 0
        self.configure(module)

    def configure(self, module: Module) -> None:
        """Writes its settings; the next start reads them."""
        conf = self.folder / "conf"
        for folder in (conf, self.folder / "checkpoints", self.folder / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        settings = [CONF / "flink-conf.yaml", CONF / f"flink-conf-{self.version}.yaml"]
        text = "".join(each.read_text(encoding="utf-8") for each in settings if each.exists())
        (conf / "flink-conf.yaml").write_text(text.replace("@FOLDER@", str(self.folder)), encoding="utf-8")
        shutil.copy(CONF / "log4j2.properties", conf)
        version = ModuleVersion.V3_1 if self.version == "3.3.0" else ModuleVersion.V2_0
        (conf / "module.yaml").write_text(render(module.with_version(version)), encoding="utf-8")

    # --- its process ----------------------------------------------------------------------------------------------

    def start(self, checkpoint: Path | None = None) -> None:
        """Starts it, from a checkpoint where one is given. It takes messages a few seconds later."""
        java = shutil.which("java")
        if java is None:
            raise ChildError("there is no java: install a JDK (apt-get install default-jdk-headless)")
        if not (self._jars / ".installed").exists():
            raise ChildError(f"{self._jars} holds no engine: make .jars/statefun-{self.version}/.installed")
        conf = self.folder / "conf"
        classes = os.pathsep.join((str(self._jars / "classes"), str(conf), f"{self._jars}{os.sep}*"))
        memory = ("-Xmx768m", "-XX:+UseSerialGC")
        restored = [] if checkpoint is None else [checkpoint.as_uri()]
        self._checked = self.log.stat().st_size if self.log.exists() else 0
        self.launch([java, *OPENED, *memory, "-cp", classes, "EngineMain", str(conf), *restored], self.folder)

    def check(self) -> None:
        """Starts it again when its worker has ended itself, which ends the whole process in production, and raises ChildError when that has ended.

        It happens to 3.3.0 on its own: docs/troubleshooting.md, "When a job fails and then does nothing".
        """
        super().check()
        with self.log.open("rb") as log:
            log.seek(self._checked)
            news = log.read()
        self._checked += max(0, len(news) - len(ENDED))  # the words may be halfway there
        if ENDED in news:
            print(f"the worker of {self.name} has ended itself; both are started again")
            self.kill()
            self.start(next(reversed(self.checkpoints()), None))

    # --- what it leaves -------------------------------------------------------------------------------------------

    def checkpoints(self) -> list[Path]:
        """The complete checkpoints, the oldest first; Flink keeps three."""
        complete = [each.parent for each in self.folder.glob("checkpoints/*/chk-*/_metadata")]
        return sorted(complete, key=lambda each: ((each / "_metadata").stat().st_mtime_ns, _number(each)))

    def last_checkpoint(self) -> Path:
        """The newest complete checkpoint.

        Raises:
            ChildError: there is none.
        """
        found = self.checkpoints()
        if not found:
            raise ChildError(f"the engine {self.version} has no checkpoint yet:\n{self.tail()}")
        return found[-1]

    def restarts(self) -> int:
        """How often its job has failed and was started again."""
        return len(re.findall(r"switched from state RUNNING to RESTARTING", self.text()))


def _number(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("chk-"))
