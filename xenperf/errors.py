"""What may go wrong outside the model: one line each, with the exit code it stands for.

What a kernel answers is data (``abi.status``), and a caller's mistake is a ``ValueError``.
"""

import copyreg
from typing import Any, ClassVar


class XenperfError(Exception):
    """Something stopped the work: the thing, the reason, and the remedy where there is one."""

    exit_code: ClassVar[int] = 3

    def __init__(self, thing: str, reason: str, remedy: str | None = None) -> None:
        """Keep the parts, each on one line, for the report and for tests."""
        super().__init__(thing, reason, remedy)
        self.thing = _one_line(thing)
        self.reason = _one_line(reason)
        self.remedy = None if remedy is None else _one_line(remedy)

    def __str__(self) -> str:
        """Return the single line that the command line shows."""
        message = f"{self.thing}: {self.reason}"
        return message if self.remedy is None else f"{message}; {self.remedy}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Let any child cross a process boundary, whatever its constructor takes."""
        return copyreg.__newobj__, (type(self),), vars(self).copy()  # type: ignore[attr-defined]


class UsageError(XenperfError):
    """The request makes no sense as it was put, or names nothing to measure."""

    exit_code = 2


class UnavailableError(XenperfError):
    """This machine cannot do what was asked."""


class MeasurementError(XenperfError):
    """A measurement was made but cannot be trusted."""


def _one_line(text: str) -> str:
    return " ".join(text.split())
