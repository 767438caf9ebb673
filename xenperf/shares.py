"""Dividing work between two processes when pieces of it share parts that each must make itself.

Compiling a kernel compiles every step it uses, and a process that has compiled a step once has it
for all its kernels. So kernels that use the same steps belong in the same share.
"""

from collections.abc import Callable, Iterable, Mapping
from types import CodeType, ModuleType
from typing import Any, Final

STEP_OVERHEAD: Final = 300
"""What a step costs to compile however small it is, in bytes of code."""

Parts = Mapping[str, int]
"""What a piece is made of: each part's name and cost."""


def two_shares(pieces: Mapping[str, Parts]) -> tuple[list[str], list[str]]:
    """Divide *pieces* so that the dearer share, its parts counted once each, is cheap.

    Begins with the best of the divisions into those that use a certain part and those that do not;
    then one piece at a time changes sides while that helps. The first share is the dearer one; both
    keep the order of *pieces*.
    """
    users = {part: {n for n in pieces if part in pieces[n]} for n in pieces for part in pieces[n]}
    splits = {frozenset(share) for share in users.values()} | {frozenset(pieces)}
    best = min(sorted(splits, key=sorted), key=lambda share: _dearest(pieces, share))
    shares = set(best), set(pieces) - best
    while _improve(pieces, shares):
        pass
    dear, cheap = sorted(shares, key=lambda share: -_cost(pieces, share))
    return [n for n in pieces if n in dear], [n for n in pieces if n in cheap]


def parts_of(func: Callable[..., Any], unwrap: Callable[[Any], CodeType | None]) -> dict[str, int]:
    """Return every step that *func* uses, directly or not, with the size of its code.

    Names are followed through the module's globals, and one level into modules used as prefixes.

    unwrap
        Returns the code of a value that is a step, and None for anything else.
    """
    parts: dict[str, int] = {}
    left: list[tuple[CodeType, dict[str, Any]]] = [(func.__code__, func.__globals__)]
    while left:
        code, namespace = left.pop()
        key = f"{code.co_filename}:{code.co_firstlineno}"
        if key in parts:
            continue
        parts[key] = STEP_OVERHEAD + len(code.co_code)
        for value in _mentioned(code, namespace):
            found = unwrap(value)
            if found is not None:
                left.append((found, _namespace(value)))
    return parts


def _mentioned(code: CodeType, namespace: dict[str, Any]) -> Iterable[Any]:
    values = [namespace[name] for name in code.co_names if name in namespace]
    for value in values:
        if isinstance(value, ModuleType):
            yield from (getattr(value, name) for name in code.co_names if hasattr(value, name))
        else:
            yield value


def _namespace(value: Any) -> dict[str, Any]:
    namespace: dict[str, Any] = getattr(value, "py_func", value).__globals__
    return namespace


def _dearest(pieces: Mapping[str, Parts], share: Iterable[str]) -> int:
    return max(_cost(pieces, share), _cost(pieces, set(pieces) - set(share)))


def _cost(pieces: Mapping[str, Parts], share: Iterable[str]) -> int:
    union: dict[str, int] = {}
    for name in share:
        for part, cost in pieces[name].items():
            union[part] = max(cost, union.get(part, 0))
    return sum(union.values())


def _improve(pieces: Mapping[str, Parts], shares: tuple[set[str], set[str]]) -> bool:
    """Move the first piece whose move makes the dearer share cheaper; tell if there was one."""
    worst = max(_cost(pieces, share) for share in shares)
    for source, target in (shares, shares[::-1]):
        for name in sorted(source):
            moved = max(_cost(pieces, source - {name}), _cost(pieces, target | {name}))
            if moved < worst:
                source.remove(name)
                target.add(name)
                return True
    return False
