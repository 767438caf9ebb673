"""What a piece of somebody else's JSON has to look like, and where in the file it does not."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Check: TypeAlias = Callable[[Any, str], None]
"""Takes a value and where it stands; raises ``MisshapenError`` if it is not what is expected."""

MAX_INTEGER: Final = (1 << 63) - 1


class MisshapenError(ValueError):
    """A value is not what its place in the file asks for."""


def expect(holds: bool, where: str, wanted: str) -> None:
    """Raise ``MisshapenError`` naming the place and what should be there, unless it *holds*."""
    if not holds:
        raise MisshapenError(f"{where or 'the whole'}: not {wanted}")


def text(value: Any, where: str) -> None:
    """Want a string."""
    expect(isinstance(value, str), where, "a string")


def flag(value: Any, where: str) -> None:
    """Want true or false."""
    expect(isinstance(value, bool), where, "true or false")


def number(value: Any, where: str) -> None:
    """Want a number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    expect(is_number, where, "a number")


def positive(value: Any, where: str) -> None:
    """Want a number above 0."""
    number(value, where)
    expect(value > 0, where, "above 0")


def share(value: Any, where: str) -> None:
    """Want a number from 0 to 1."""
    number(value, where)
    expect(0 <= value <= 1, where, "from 0 to 1")


def plain(value: Any, where: str) -> None:
    """Want a string, a number or null."""
    is_plain = value is None or isinstance(value, str | int | float)
    expect(is_plain and not isinstance(value, bool), where, "a string, a number or null")


def integer(least: int = 0, most: int = MAX_INTEGER) -> Check:
    """Want a whole number in a range."""

    def check(value: Any, where: str) -> None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        expect(fits, where, f"a whole number from {least} to {most}")

    return check


def one_of(*choices: str) -> Check:
    """Want one of some words."""

    def check(value: Any, where: str) -> None:
        expect(isinstance(value, str) and value in choices, where, f"one of {', '.join(choices)}")

    return check


def maybe(wanted: Check) -> Check:
    """Want null, or what *wanted* wants."""

    def check(value: Any, where: str) -> None:
        if value is not None:
            wanted(value, where)

    return check


def both(first: Check, second: Check) -> Check:
    """Want what *first* wants and what *second* wants."""

    def check(value: Any, where: str) -> None:
        first(value, where)
        second(value, where)

    return check


def items(wanted: Check, least: int = 0) -> Check:
    """Want a list of at least *least*, each as *wanted*."""

    def check(value: Any, where: str) -> None:
        expect(isinstance(value, list) and len(value) >= least, where, _list(least))
        for idx, each in enumerate(value):
            wanted(each, f"{where}[{idx}]")

    return check


def table(wanted: Check) -> Check:
    """Want an object with any keys, each value as *wanted*."""

    def check(value: Any, where: str) -> None:
        expect(isinstance(value, dict), where, "an object")
        for key, each in value.items():
            wanted(each, f"{where}.{key}")

    return check


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Want an object with the *required* keys, perhaps the *optional* ones, and no other."""
    known = {**required, **(optional or {})}

    def check(value: Any, where: str) -> None:
        expect(isinstance(value, dict), where, "an object")
        for key in required:
            expect(key in value, f"{where}.{key}", "there")
        for key, each in value.items():
            expect(key in known, f"{where}.{key}", "a key that belongs there")
            known[key](each, f"{where}.{key}")

    return check


def having(required: Mapping[str, Check]) -> Check:
    """Want an object with the *required* keys, whatever else it has."""

    def check(value: Any, where: str) -> None:
        expect(isinstance(value, dict), where, "an object")
        for key, wanted in required.items():
            expect(key in value, f"{where}.{key}", "there")
            wanted(value[key], f"{where}.{key}")

    return check


def _list(least: int) -> str:
    return f"a list of at least {least}" if least else "a list"
