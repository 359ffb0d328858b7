"""`Calls`: makes the requests that the core has ready, at once where functions are plain, side by side where they take their time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from statefun.errors import HandlerError, StatefunError
from statefun.errors.showing import shown_exception
from statefun.runtime.clock import Clock
from statefun.runtime.core import Core
from statefun.runtime.places import Places
from statefun.runtime.values import Call

__all__ = ["Calls"]

_LONGEST: Final = 250_000_000
"""Nanoseconds after which a group makes no more calls in this process: all else, a request to stop too, waits for them."""


class Calls:
    """The requests of a run.

    Args:
        core: What makes them and takes their answers.
        places: Where functions are called.
        clock: The time.
        hold: For how many milliseconds a group waits for requests that it began.
        enough: Whether no more requests are to be made.
        crash_point: Is told of each answer.
        wake: Is called when there is an answer.
    """

    def __init__(
        self,
        core: Core,
        places: Places,
        clock: Clock,
        hold: int,
        enough: Callable[[], bool],
        crash_point: Callable[[str], None],
        wake: Callable[[], None],
    ) -> None:
        self._core: Final = core
        self._places: Final = places
        self._clock: Final = clock
        self._hold: Final = hold * 1_000_000
        self._enough: Final = enough
        self._crash_point: Final = crash_point
        self._wake: Final = wake
        self._running: Final[dict[asyncio.Task[bytes], Call]] = {}
        self._answered: Final[deque[tuple[Call, asyncio.Task[bytes]]]] = deque()
        self._answer: Final = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether a request runs, or its answer is not taken yet."""
        return bool(self._running or self._answered)

    async def drain(self) -> None:
        """Makes the requests that are ready, and waits a moment for those that it began."""
        core, now, local, place_of = self._core, self._clock.now, self._places.local, self._places.place_of
        run, lane = local.run, None if local.asynchronous else local.lane
        begun: set[asyncio.Task[bytes]] = set()
        until = 0
        time = now()
        late = time + _LONGEST
        while True:
            while (each := core.next(time)) is not None:
                place: Any = local if each.entry.function.lane is lane else place_of(each.entry.function.lane)
                if place.asynchronous:
                    begun.add(self._begin(each, place.call(each.entry.function.typename, each.request)))
                    continue
                try:
                    response: bytes = run(each.request) if place is local else place.run(each.request)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001  whatever a function raises fails its message, not the runtime
                    time = now()
                    core.failed(each, _named(error, each), time)
                else:
                    self._crash_point("after invoke")
                    time = now()
                    try:
                        core.answered(each, response, time)
                    except Exception as error:  # noqa: BLE001  an answer that is none may break in any way
                        core.failed(each, _named(error, each), time)
                if self._enough():  # what else the group took in stays in its inboxes
                    return
                if time >= late:
                    return
            if self._answered:
                self.take_answers()
                time = now()
                if self._enough():
                    return
                continue
            if not begun & self._running.keys() or self._enough():
                return
            time = now()
            until = until or time + self._hold
            if time >= until:
                return
            self._answer.clear()
            await self._clock.wait(self._answer, until)
            time = now()

    def take_answers(self) -> None:
        """Gives the core what has been answered."""
        core, now = self._core, self._clock.now
        while self._answered:
            call, task = self._answered.popleft()
            self._crash_point("after invoke")
            try:
                core.answered(call, task.result(), now())
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001  as above; what `cancel` has cancelled is not here
                core.failed(call, _named(error, call), now())

    async def wait(self) -> None:
        """Waits for an answer."""
        self._answer.clear()
        if not self._answered:
            await self._answer.wait()

    async def cancel(self) -> None:
        """Gives up what runs; its messages wait for their turn again."""
        running = dict(self._running)
        self._running.clear()
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        for call in (*running.values(), *(call for call, _ in self._answered)):
            self._core.abandoned(call)
        self._answered.clear()

    def _begin(self, call: Call, answer: Awaitable[bytes]) -> asyncio.Task[bytes]:
        task: asyncio.Task[bytes] = asyncio.ensure_future(answer)
        self._running[task] = call
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[bytes]) -> None:
        call = self._running.pop(task, None)
        if call is not None:
            self._answered.append((call, task))
            self._answer.set()
            self._wake()


def _named(error: BaseException, call: Call) -> StatefunError:
    """An error that says whose it is: what is no error of ours came from the callable itself."""
    if isinstance(error, StatefunError):
        return error
    function = call.entry.function.typename
    named = HandlerError(f"the call of {function} raised {shown_exception(error)}")
    named.__cause__ = error
    return named
