"""The options of ``xenperf series`` about kernel images, checked before any of them is booted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from xenperf.cli.boot import DEFAULT_TIMEOUT_S
from xenperf.errors import UsageError
from xenperf.live import kernel_image

DEFAULT_BOOTS: Final = 3
MOST_BOOTS: Final = 100
MOST_IMAGES: Final = 16
OPTIONS: Final = ("kernel", "boots", "icount", "modules", "no_cases", "timeout")


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the verb that are about images."""

    images: dict[str, Path]
    """Each image by its label, the base first."""

    boots: int
    """Of each image."""

    icount: bool
    modules: Path | None
    cases: bool
    timeout_s: int
    """For one boot."""


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options about images."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS: Final = (
    click.option(
        "--kernel",
        multiple=True,
        metavar="LABEL=IMAGE",
        help="A kernel image to boot, the base first; given for each step.",
    ),
    click.option(
        "--boots",
        type=click.IntRange(1, MOST_BOOTS),
        metavar="N",
        help=f"Boots of each image.  [default: {DEFAULT_BOOTS}]",
    ),
    click.option(
        "--icount", is_flag=True, help="The VMs' clocks count instructions: one CPU, emulated."
    ),
    click.option("--modules", metavar="DIR", help="Where the modules of the images are."),
    click.option("--no-cases", is_flag=True, help="Do not play the outcome cases in each boot."),
    click.option(
        "--timeout",
        type=click.IntRange(1),
        metavar="SECONDS",
        help=f"For each boot.  [default: {DEFAULT_TIMEOUT_S}]",
    ),
)


def taken_from(given: dict[str, Any]) -> Asked | None:
    """Take the options about images out of *given*; None where no image was named.

    ``UsageError`` for one of the others without an image, and for what is no series of images.
    """
    own = {name: given.pop(name) for name in OPTIONS}
    if not own["kernel"]:
        for name, value in own.items():
            if value:
                thing = f"--{name.replace('_', '-')}"
                raise UsageError(thing, "it is about kernel images", "name them with --kernel")
        return None
    return Asked(
        images=_images(own["kernel"]),
        boots=own["boots"] or DEFAULT_BOOTS,
        icount=own["icount"],
        modules=own["modules"] and Path(own["modules"]),
        cases=not own["no_cases"],
        timeout_s=own["timeout"] or DEFAULT_TIMEOUT_S,
    )


def _images(words: Sequence[str]) -> dict[str, Path]:
    """Return the images by their labels; ``UsageError`` unless there are 2 to 16, all kernels."""
    found: dict[str, Path] = {}
    for word in words:
        label, is_labelled, name = word.partition("=")
        path = Path(name if is_labelled else label)
        label = label if is_labelled else path.name
        if not label.strip() or label in found:
            raise UsageError(f"--kernel {word}", "each needs a label", "give LABEL=IMAGE")
        kernel_image.release(path)  # what is no image is told now, and not after hours of booting
        found[label] = path
    if not 2 <= len(found) <= MOST_IMAGES:
        reason = f"a series has 2 to {MOST_IMAGES} images, not {len(found)}"
        raise UsageError("--kernel", reason, "give --kernel for each step")
    return found
