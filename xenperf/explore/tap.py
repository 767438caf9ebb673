"""The model's own source, interpreted, with its accesses told to whoever runs an actor.

A private copy of the package gets words of ours before its model is imported: with no actor running
they touch the real pages, as ever; while one runs, it decides. The model's source is not changed.
"""

import re
from collections.abc import Callable, Collection
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Protocol

import numpy as np

from xenperf import switches
from xenperf.copies import ModelCopy, load_copy
from xenperf.explore.accesses import KINDS

_WORDS: Final = "xenperf.words"
_NAME: Final = re.compile(r"(.*[a-z])(8|16|32|64)")
_TYPES: Final[dict[int, Any]] = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}
_NO_RESULT: Final = frozenset({"store", "store_release"})
_FENCES: Final = frozenset({"full_barrier", "read_barrier", "write_barrier"})


class Listener(Protocol):
    """An actor under way."""

    def access(self, kind: int, khva: int, bits: int, operand: int, expected: int) -> int:
        """Make an access and return the old value."""

    def wait(self) -> None:
        """Let others go on: this actor waits for one of them."""


class Tap:
    """A copy of the package whose accesses can be listened to."""

    def __init__(
        self, source: Path | None = None, patches: Collection[str] = switches.MERGED
    ) -> None:
        """Load the copy from *source*, built with *patches*.

        By default from the running package's files, and as the merged kernel.
        """
        self.listener: Listener | None = None
        self.patches = frozenset(patches)
        self.copy: ModelCopy = load_copy(
            source, interpreted=True, switches=self.patches, modules=(_WORDS,)
        )
        self._replace(self.copy.module(_WORDS))
        self.copy.module("xenperf.model.host")

    def model(self, name: str) -> Any:
        """Return the copy's module *name* of the model."""
        return self.copy.module(f"xenperf.model.{name}")

    @property
    def words(self) -> Any:
        """Return the copy's words."""
        return self.copy.module(_WORDS)

    def _replace(self, words: ModuleType) -> None:
        for name in words.__all__:
            found = _NAME.fullmatch(name)
            if found and found[1] in KINDS:
                setattr(words, name, self._access(found[1], int(found[2]), getattr(words, name)))
            elif name in _FENCES:
                setattr(words, name, lambda: None)  # one access at a time, in program order
        words.pause = self._pause  # type: ignore[attr-defined]
        words.sched_yield = lambda: 0  # type: ignore[attr-defined]

    def _pause(self) -> None:
        if self.listener is not None:
            self.listener.wait()

    def _access(self, name: str, bits: int, native: Callable[..., Any]) -> Callable[..., Any]:
        kind, np_type = KINDS[name], _TYPES[bits]
        is_bit = name == "bit_test_and_set"
        is_exchange = name.startswith("compare_exchange")

        def access(khva: Any, *operands: Any) -> Any:
            listener = self.listener
            if listener is None:
                return native(khva, *operands)
            numbers = [int(operand) for operand in operands]
            expected = numbers[0] if is_exchange else 0
            operand = numbers[-1] if numbers else 0
            if is_bit:
                operand = 1 << (operand & (bits - 1))
            old = listener.access(kind, int(khva), bits, operand, expected)
            if is_bit:
                return old & operand != 0
            if is_exchange:
                return old == expected
            return None if name in _NO_RESULT else np_type(old)

        return access
