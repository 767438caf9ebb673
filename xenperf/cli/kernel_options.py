"""The options that choose the model's kernel: the same for every verb that takes them."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import click

from xenperf.model.patches import GPA_HVA, KERNELS, PATCHES

Decorated = Callable[..., Any]

_OPTIONS: Final = (
    click.option(
        "--kernel",
        type=click.Choice(list(KERNELS)),
        help=f"Which kernel the model is.  [default: {GPA_HVA}]",
    ),
    click.option(
        "--with",
        "added",
        multiple=True,
        metavar="PATCH",
        help=f"Build it with this patch too; may be given again. One of {', '.join(PATCHES)}.",
    ),
    click.option(
        "--without",
        "removed",
        multiple=True,
        metavar="PATCH",
        help="Build it without this patch; may be given again.",
    ),
)


def kernel_options(verb: Decorated) -> Decorated:
    """Give *verb* ``--kernel``, ``--with`` and ``--without``, as ``kernel added removed``."""
    for option in reversed(_OPTIONS):
        verb = option(verb)
    return verb


def kernel_words(kernel: str | None, added: Iterable[str], removed: Iterable[str]) -> list[str]:
    """Return the words that choose the same kernel again."""
    words = ["--kernel", kernel] if kernel else []
    words += [word for name in added for word in ("--with", name)]
    return words + [word for name in removed for word in ("--without", name)]
