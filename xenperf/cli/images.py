"""Kernel images as the steps of a series: what each VM runs, in which order, what comes back."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from xenperf.backends import LIVE
from xenperf.cli.boot import AUTO, DEFAULT_MEMORY_MIB, machine_of
from xenperf.cli.image_options import Asked
from xenperf.cli.request import Request, command, draw_seed
from xenperf.cli.several import MODULE, NEXT
from xenperf.cli.streams import Streams
from xenperf.errors import UnavailableError, UsageError, XenperfError
from xenperf.live import boot as live
from xenperf.live import qemu
from xenperf.live.identity import Identity, identity
from xenperf.live.outbox import Answer
from xenperf.live.outputs import redirect
from xenperf.measure.plan import Plan
from xenperf.measure.schedule import orders
from xenperf.record.booted import Booted, booted
from xenperf.scenarios import catalogue

RUN_FILE: Final = "run.json"
INTERRUPTED: Final = "interrupted"


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


def plan_of(request: Request) -> Plan:
    """Return what is measured inside each VM, with a seed for the whole series."""
    for name, is_given in (("--budget", request.budget), ("--count", request.count)):
        if is_given:
            raise UsageError(name, "it is not of a series of images", f"leave {name} out")
    names = tuple(catalogue.select(request.only))
    return replace(
        request.plan_of(names, drawn_seed=draw_seed()),
        backend=LIVE,
        compile_all=not request.only,
    )


def order_of(asked: Asked, seed: int) -> list[list[str]]:
    """Return which image is booted when: balanced, a round of all images after another."""
    labels = list(asked.images)
    start = Random(seed).randrange(len(labels))
    rounds = orders(len(labels), asked.boots, start)
    return [[labels[idx] for idx in one] for one in rounds]


def identities_of(asked: Asked) -> dict[str, Identity]:
    """Return what each image is now, by its label."""
    return {label: identity(path, asked.modules) for label, path in asked.images.items()}


def boot_all(
    asked: Asked,
    words: Sequence[str],
    order: Sequence[Sequence[str]],
    identities: Mapping[str, Identity],
    streams: Streams,
    on_boot: Callable[[Found], None],
    begun: Found | None = None,
) -> Found:
    """Boot every image as often as asked, in *order*; keep what was finished, whatever happens.

    An image that gives no answer, or is no longer what *identities* says, is named and left out
    from then on. Ctrl-C ends the boots.
    *on_boot* is called after each boot that was finished, so that it can be saved. The boots that
    *begun* has are not made again.
    """
    machine = machine_of(
        streams, accel=AUTO, icount=asked.icount, cpus=None, memory=DEFAULT_MEMORY_MIB
    )
    found = begun or Found()
    made = {label: len(boots) for label, boots in found.boots.items()}
    turns = [label for one in order for label in one]
    try:
        for number, label in enumerate(turns, start=1):
            if made.get(label, 0) > 0:
                made[label] -= 1
                continue
            if label in found.failures:
                continue
            here = _Here(f"boot {number} of {len(turns)}, {label}", label, streams)
            try:
                _check_unchanged(asked, label, identities[label])
                done = _boot(asked, words, machine, here)
            except XenperfError as error:
                found.failures[label] = str(error)
                here.say(f"{error}; it is not booted again")
            else:
                found.boots.setdefault(label, []).append(done)
                in_order = [one for one in asked.images if one in found.boots]
                found.boots = {one: found.boots[one] for one in in_order}
                on_boot(found)
    except KeyboardInterrupt:
        found.interrupted = True
    return found


def _check_unchanged(asked: Asked, label: str, begun: Identity) -> None:
    """Raise ``UsageError`` if *label* was rebuilt meanwhile: its boots would be of two kernels."""
    path = asked.images[label]
    if identity(path, asked.modules) != begun:
        reason = "the image or a module has changed since the series began"
        raise UsageError(str(path), reason, "measure from the start")


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
        backend=LIVE,
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
    run = shlex.split(command(replace(request, backend=LIVE), plan))[1:]
    words = [*run, "-o", RUN_FILE]
    if asked.cases:
        words += [NEXT, "cases", "--backend", LIVE, "--format", "json"]
    return words
