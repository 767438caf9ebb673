"""The model's accesses as they are written: every word function by name, fences included."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from xenperf.copies import load_copy

WORDS = "xenperf.words"
NOT_ACCESSES = frozenset(
    {"Flag", "Word", "TraceHook", "traced_by", "likely", "unlikely", "select", "pause"}
    | {"sched_yield", "trailing_zeros", "leading_zeros", "timestamp", "timestamp_ordered"}
)


class Event(NamedTuple):
    """One call: the function, its arguments (khva first) and what it returned."""

    name: str
    operands: tuple[int, ...]
    answer: int

    @property
    def khva(self) -> int:
        """Where; 0 for a fence."""
        return self.operands[0] if self.operands else 0


class Recorder:
    """A copy of the package, interpreted, whose accesses are noted while asked to."""

    def __init__(self, source: Path | None = None) -> None:
        """Load the copy from *source*, by default from the running package's files."""
        self.events: list[Event] | None = None
        self.copy = load_copy(source, interpreted=True, modules=(WORDS,))
        for name in set(self.words.__all__) - NOT_ACCESSES:
            setattr(self.words, name, self._noting(name, getattr(self.words, name)))

    def model(self, name: str) -> Any:
        """Return the copy's module *name* of the model."""
        return self.copy.module(f"xenperf.model.{name}")

    @property
    def words(self) -> Any:
        """Return the copy's words."""
        return self.copy.module(WORDS)

    @contextmanager
    def recording(self) -> Iterator[list[Event]]:
        """Note every access of the block."""
        self.events = events = []
        try:
            yield events
        finally:
            self.events = None

    def _noting(self, name: str, native: Callable[..., Any]) -> Callable[..., Any]:
        def access(*operands: Any) -> Any:
            answer = native(*operands)
            if self.events is not None:
                numbers = tuple(int(operand) for operand in operands)
                self.events.append(Event(name, numbers, int(answer or 0)))
            return answer

        return access
