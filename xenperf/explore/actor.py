"""One actor's behaviour as a tree: what it does next, given what its shared accesses found.

An actor is deterministic: between two shared accesses it sees only what nobody else changes. So a
path of answers leads to the same place each time, and the model's code runs once for each path
instead of once for each schedule.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from greenlet import greenlet

from xenperf.explore.accesses import (
    DONE,
    LOAD,
    PAUSE,
    Access,
    Memory,
    access_at,
    after,
    perform,
)
from xenperf.explore.tap import Tap

NR_RETRIES = 3
"""So often may an actor find a range open before it counts as waiting, as a refresh that retries
does not pause."""


class Touched:
    """The words that an actor was seen to read and to write."""

    def __init__(self) -> None:
        self.read: set[int] = set()
        self.written: set[int] = set()

    def add(self, access: Access) -> None:
        """Note *access*."""
        (self.read if access.kind == LOAD else self.written).add(access.word)


class Sharing:
    """Which accesses another actor may notice."""

    def __init__(self, words: set[int], pages: set[int], *, everything: bool) -> None:
        """Share *words*, all words of *pages*, or just *everything*."""
        self.words = words
        self.pages = pages
        self.everything = everything

    def __contains__(self, word: int) -> bool:
        """Tell whether an access to *word* is a place to hand over."""
        return self.everything or word in self.words or word & -4096 in self.pages


class Node:
    """A place in an actor's code: the access it is about to make, and how it went on from there."""

    __slots__ = ("access", "children", "kind", "leaf", "nr", "parent", "seen")

    def __init__(self, access: Access, nr: int, parent: "tuple[Node, int] | None") -> None:
        """Stand before *access*, *nr* accesses into the operation; *parent* with its answer."""
        self.access = access
        self.kind = access.kind
        self.nr = nr
        self.parent = parent
        self.children: dict[int, Node] = {}
        self.leaf: tuple[int, Memory] | None = None
        self.seen: tuple[tuple[int, int, int, int], ...] = ()

    def answers(self) -> list[int]:
        """Return what the accesses before this one found."""
        found, step = [], self.parent
        while step is not None:
            node, answer = step
            found.append(answer)
            step = node.parent
        return found[::-1]

    def fields_seen(self) -> tuple[tuple[int, int, int, int], ...]:
        """Return the fields touched since the actor last waited, with what it left in them."""
        fields: dict[tuple[int, int, int], int] = {}
        step = self.parent
        while step is not None and step[0].kind != PAUSE:
            node, answer = step
            access = node.access
            fields.setdefault(
                (access.word, access.shift, access.mask), after(access, answer) & access.mask
            )
            step = node.parent
        return tuple((*field, value) for field, value in fields.items())


class Run:
    """The model's code under way for one actor, stopped before each shared access."""

    def __init__(
        self,
        tap: Tap,
        operation: Callable[[], Any],
        sharing: Sharing,
        touched: Touched,
        retried: frozenset[int],
    ) -> None:
        """Prepare to run *operation*; *retried* are words that are polled without a pause."""
        self.nr = 0
        self.own = Memory()
        self._tap = tap
        self._operation = operation
        self._sharing = sharing
        self._touched = touched
        self._retried = retried
        self._nr_retries = 0
        self._green: Any = greenlet(self._go)

    def resume(self, *answer: int) -> Access:
        """Give the last access its answer and go on to the next; the last one is DONE."""
        self._tap.listener = self
        try:
            access: Access = self._green.switch(*answer)
        finally:
            self._tap.listener = None
        return access

    def access(self, kind: int, khva: int, bits: int, operand: int, expected: int) -> int:
        """Make an access: at once if it is private, else when the schedule says so."""
        access = access_at(kind, khva, bits, operand, expected)
        self._touched.add(access)
        if access.word in self._sharing:
            old = int(self._green.parent.switch(access))
        else:
            old = perform(self.own, access)
        self.nr += 1
        if kind == LOAD and old and khva in self._retried:
            self._nr_retries += 1
            if self._nr_retries == NR_RETRIES:
                self.wait()
        return old

    def wait(self) -> None:
        """Tell that only another actor can help."""
        self._nr_retries = 0
        self._green.parent.switch(Access(PAUSE))

    def _go(self) -> Access:
        with np.errstate(over="ignore"):  # words wrap around, as the machine's do
            outcome = int(self._operation())
        return Access(DONE, operand=outcome)


class Actor:
    """One operation's tree, grown on demand."""

    def __init__(self, begin: Callable[[], Run]) -> None:
        """Let *begin* make a run of the operation from its start."""
        self._begin = begin
        self._run, access = self._fresh()
        self.root = self._at = self._node(access, None)

    def next(self, node: Node, answer: int) -> Node:
        """Return where *answer* leads from *node*."""
        child = node.children.get(answer)
        if child is None:
            if self._at is not node:
                self._run, _ = self._fresh()
                for found in node.answers():
                    self._run.resume(found)
            child = self._node(self._run.resume(answer), (node, answer))
            node.children[answer] = self._at = child
        return child

    def _fresh(self) -> tuple[Run, Access]:
        run = self._begin()
        return run, run.resume()

    def _node(self, access: Access, parent: tuple[Node, int] | None) -> Node:
        node = Node(access, self._run.nr, parent)
        if node.kind == PAUSE:
            node.seen = node.fields_seen()
        elif node.kind == DONE:
            node.leaf = access.operand, self._run.own
        return node
