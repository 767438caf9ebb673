"""``xenperf series --kernel``: kernel images as steps, each booted several times in turn."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Final

import click

from xenperf.cli.boot import AUTO, DEFAULT_MEMORY_MIB, DEFAULT_TIMEOUT_S, machine_of
from xenperf.cli.request import Request, command, draw_seed
from xenperf.cli.several import MODULE, NEXT
from xenperf.cli.streams import Streams
from xenperf.errors import UnavailableError, UsageError, XenperfError
from xenperf.live import boot as live
from xenperf.live import kernel_image, qemu
from xenperf.live.outbox import Answer
from xenperf.live.outputs import redirect
from xenperf.measure.plan import Plan
from xenperf.measure.schedule import orders
from xenperf.record.booted import Booted, booted
from xenperf.scenarios import catalogue

DEFAULT_BOOTS: Final = 3
MOST_BOOTS: Final = 100
MOST_IMAGES: Final = 16
RUN_FILE: Final = "run.json"
INTERRUPTED: Final = "interrupted"
BACKEND: Final = "live"
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


@dataclass(slots=True)
class Found:
    """What the boots brought back so far."""

    boots: dict[str, list[Booted]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """Why an image gave no answer; it is not booted again then."""

    interrupted: bool = False

    @property
    def manner(self) -> str:
        """How the VMs ran; more than one way where an emulator had to have CPUs take turns."""
        ways = dict.fromkeys(boot.manner for boots in self.boots.values() for boot in boots)
        return " and ".join(ways)

    @property
    def nr_boots(self) -> int:
        """How many boots ran to their end."""
        return sum(map(len, self.boots.values()))


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


def plan_of(request: Request) -> Plan:
    """Return what is measured inside each VM, with a seed for the whole series."""
    for name, is_given in (("--budget", request.budget), ("--count", request.count)):
        if is_given:
            raise UsageError(name, "it is not of a series of images", f"leave {name} out")
    names = tuple(catalogue.select(request.only))
    return replace(
        request.plan_of(names, drawn_seed=draw_seed()),
        backend=BACKEND,
        compile_all=not request.only,
    )


def order_of(asked: Asked, seed: int) -> list[list[str]]:
    """Return which image is booted when: balanced, a round of all images after another."""
    labels = list(asked.images)
    start = Random(seed).randrange(len(labels))
    rounds = orders(len(labels), asked.boots, start)
    return [[labels[idx] for idx in one] for one in rounds]


def boot_all(
    asked: Asked, words: Sequence[str], order: Sequence[Sequence[str]], streams: Streams
) -> Found:
    """Boot every image as often as asked, in *order*; keep what was finished, whatever happens.

    An image that gives no answer is named and left out from then on. Ctrl-C ends the boots.
    """
    machine = machine_of(
        streams, accel=AUTO, icount=asked.icount, cpus=None, memory=DEFAULT_MEMORY_MIB
    )
    found = Found()
    turns = [label for one in order for label in one]
    try:
        for number, label in enumerate(turns, start=1):
            if label in found.failures:
                continue
            here = _Here(f"boot {number} of {len(turns)}, {label}", label, streams)
            try:
                done = _boot(asked, words, machine, here)
            except XenperfError as error:
                found.failures[label] = str(error)
                here.say(f"{error}; it is not booted again")
            else:
                found.boots.setdefault(label, []).append(done)
    except KeyboardInterrupt:
        found.interrupted = True
    in_order = [label for label in asked.images if label in found.boots]
    found.boots = {label: found.boots[label] for label in in_order}
    return found


@dataclass(frozen=True, slots=True)
class _Here:
    """Which boot is under way, and who is told."""

    name: str
    label: str
    streams: Streams

    def say(self, line: str) -> None:
        """Say *line* after the name of the boot."""
        self.streams.say(f"{self.name}: {line}")


def _boot(asked: Asked, words: Sequence[str], machine: qemu.Machine, here: _Here) -> Booted:
    """Boot one image once; ``XenperfError`` says why it gave no answer."""
    job = live.Job(
        image=asked.images[here.label],
        command=redirect(words),
        machine=machine,
        timeout_s=asked.timeout_s,
        modules=asked.modules,
        backend=BACKEND,
        module=MODULE,
    )
    answer = live.boot(job, here.say)
    run = answer.files.get(RUN_FILE)
    if run is None:
        raise UnavailableError(here.label, _last_words(answer))
    done = booted(here.label, run, answer.out)
    here.say(f"done; {len(done.figures)} costs, {len(done.answers)} answers")
    return done


def _last_words(answer: Answer) -> str:
    lines = answer.err.strip().splitlines()
    return lines[-1] if lines else f"the command inside ended with {answer.code}"


def words_inside(asked: Asked, request: Request, plan: Plan) -> list[str]:
    """Return what runs in every VM: the live run, and the cases."""
    run = shlex.split(command(replace(request, backend=BACKEND), plan))[1:]
    words = [*run, "-o", RUN_FILE]
    if asked.cases:
        words += [NEXT, "cases", "--backend", BACKEND, "--format", "json"]
    return words
