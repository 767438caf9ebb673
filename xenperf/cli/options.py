"""Options that every measuring verb has."""

from collections.abc import Callable
from typing import Any, Final

import click

from xenperf.backends import BACKENDS
from xenperf.cli.formats import FORMATS
from xenperf.cli.request import BITS, DEFAULTS

_OPTIONS: Final = (
    click.option(
        "--only",
        multiple=True,
        metavar="GLOB",
        help="Only names that match; may be given again. `xenperf list` shows them.",
    ),
    click.option("--quick", is_flag=True, help="One worker and short slices: a first look."),
    click.option(
        "--workers", type=int, metavar="N", help="Fresh processes, each measuring everything."
    ),
    click.option("--rounds", type=int, metavar="N", help="Turns of all sides in each worker."),
    click.option(
        "--budget",
        type=float,
        metavar="SECONDS",
        help="Give undecided rows two and four times the workers while this lasts.",
    ),
    click.option(
        "--seed",
        type=int,
        metavar="N",
        help="Decides who goes first; drawn and reported if not given.",
    ),
    click.option(
        "--slots",
        type=int,
        default=DEFAULTS.slots,
        show_default=True,
        metavar="N",
        help="Memslots while RAM is whole.",
    ),
    click.option(
        "--vcpus",
        type=int,
        default=DEFAULTS.vcpus,
        show_default=True,
        metavar="N",
        help="vCPUs, unless a benchmark needs more.",
    ),
    click.option(
        "--port",
        type=int,
        default=DEFAULTS.port,
        show_default=True,
        metavar="N",
        help="First event channel port that is sent to.",
    ),
    click.option(
        "--guest-bits",
        type=click.Choice(BITS),
        default=DEFAULTS.guest_bits,
        show_default=True,
        help="Layout of the shared pages.",
    ),
    click.option("--strict", is_flag=True, help="Exit with 3 if a cost stays undecided."),
    click.option(
        "-o", "--output", metavar="FILE", help="Write the report there, whole or not at all."
    ),
    click.option(
        "--format",
        type=click.Choice(list(FORMATS)),
        help="[default: by the suffix of FILE, else text]",
    ),
)


instructions = click.option(
    "--instructions",
    is_flag=True,
    help="Count instructions too, after timing, and show their change beside; needs Valgrind.",
)
"""Of the verbs whose report has a column for it."""

backend_option = click.option(
    "--backend",
    type=click.Choice(list(BACKENDS)),
    default=DEFAULTS.backend,
    show_default=True,
    help="Who answers: the model of KVM, or a real kernel.",
)
"""Of the verbs that ask either back end."""


def measuring(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options of measuring, in the order they are listed above."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
