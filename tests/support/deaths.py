"""Processes that die at a chosen point, in-process.

Owns counting the points of death: before or after each call of a port that commits something, or asks somebody. Must
not know what is called. A port that raises stands for the death: what was committed stays, everything else is gone.
"""

from collections.abc import Collection
from inspect import iscoroutinefunction
from typing import Any


class KilledError(BaseException):
    """The process is dead."""


class Countdown:
    """Counts calls, and dies before or after the n-th."""

    def __init__(self, deadly: int, *, after: bool) -> None:
        self.left = deadly
        self._after = after
        self.died = False

    def around(self, port: Any, names: Collection[str]) -> Any:
        """Return a port whose methods with these names are counted; those that block are functions, not coroutines."""
        return _Counted(port, names, self)

    def before(self) -> None:
        """Count a call that begins."""
        self.left -= 1
        if self.left == 0 and not self._after:
            self.died = True
            raise KilledError

    def afterwards(self) -> None:
        """Note a call that is done."""
        if self.left == 0 and self._after:
            self.died = True
            raise KilledError


class _Counted:
    def __init__(self, port: Any, names: Collection[str], countdown: Countdown) -> None:
        self._port = port
        self._names = names
        self._countdown = countdown

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in self._names:
            return method
        return self._awaited(method) if iscoroutinefunction(method) else self._called(method)

    def _awaited(self, method: Any) -> Any:
        async def counted(*arguments: Any, **options: Any) -> Any:
            self._countdown.before()
            result = await method(*arguments, **options)
            self._countdown.afterwards()
            return result

        return counted

    def _called(self, method: Any) -> Any:
        def counted(*arguments: Any, **options: Any) -> Any:
            self._countdown.before()
            result = method(*arguments, **options)
            self._countdown.afterwards()
            return result

        return counted
