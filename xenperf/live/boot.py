"""Boot a kernel image, run ``xenperf`` inside, and bring back what it said and wrote.

The VM sees the host's files read-only, over 9p, and runs the very interpreter and package that run
here. It writes to one temporary folder of the host, and to guests' cache of compiled code.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import xenperf
from xenperf.live import (
    boot_failure,
    console,
    guest_init,
    initramfs,
    kernel_image,
    kernel_modules,
    qemu,
)
from xenperf.live.outbox import Answer, Outbox
from xenperf.live.outputs import Redirected
from xenperf.live.warm_up import GENERIC_CPU, guests_cache, warm_up
from xenperf.live.workspace import room, workspace

MOST_BOOTS: Final = 10
"""An emulator may crash a sound kernel; one that dies by hardware is believed at once."""

LONGEST_SILENCE_S: Final = 60
"""A VM that gives no sign of life for so long hangs; one that lives gives one every two seconds."""

_TAKEN_ALONG: Final = ("PATH", "HOME", "TZ", "COLUMNS", "NO_COLOR")
_FAMILIES_TAKEN_ALONG: Final = ("LANG", "LC_", "PYTHON", "NUMBA_", "XENPERF_")


def _git_settings(*settings: tuple[str, str]) -> dict[str, str]:
    """Return the variables by which git takes *settings* from the environment."""
    made = {"GIT_CONFIG_COUNT": str(len(settings))}
    for idx, (name, value) in enumerate(settings):
        made |= {f"GIT_CONFIG_KEY_{idx}": name, f"GIT_CONFIG_VALUE_{idx}": value}
    return made


_INSIDE: Final = {
    "XENPERF_CACHE_DIR": guest_init.CACHE,
    "TMPDIR": guest_init.TEMPORARY,
    "PYTHONDONTWRITEBYTECODE": "1",
    **_git_settings(
        ("safe.directory", "*"),  # the guest's root does not own the files
        ("core.checkStat", "minimal"),  # over 9p all inodes look new, and git would read every file
        ("core.trustctime", "false"),
    ),
}
BOOTED: Final = "XENPERF_BOOTED"
"""Tells the command inside how its machine was made, so that its results can."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What to boot, and what to run inside."""

    image: Path
    command: Redirected
    machine: qemu.Machine
    timeout_s: int
    """For everything: compiling, all boots and the command."""

    modules: Path | None = None
    """The folder that holds them; None: look beside the image."""

    backend: str | None = None
    """Whose code the command needs compiled."""

    module: str = "xenperf"
    """What Python runs inside, with the command as its arguments."""


def boot(job: Job, say: Say) -> Answer:
    """Do *job*; *say* gets a line for whatever is worth knowing meanwhile.

    No process and no temporary file is left, whatever happens short of SIGKILL. Raise
    ``UsageError`` for what is no kernel or no module, and ``UnavailableError`` where the VM comes
    to no answer, after its last lines have been said.
    """
    deadline = time.monotonic() + job.timeout_s
    release = kernel_image.release(job.image)
    modules = kernel_modules.needed(job.image, release, job.modules, job.machine.modules)
    with workspace() as work:
        cache, outbox = guests_cache(otherwise=work), Outbox(work / "out", job.command)
        shares = {guest_init.OUT_TAG: outbox.folder, guest_init.CACHE_TAG: cache}
        qemu.program()  # asked for before anything that takes time
        environment = _environment(job.machine)
        if job.backend and not warm_up(cache, job.backend, environment, deadline):
            say(f"backend {job.backend}: not compiled beforehand; the VM will, which takes longer")

        def prepared(machine: qemu.Machine) -> list[str]:
            """Return the command that boots *machine*, its initramfs written."""
            with room(work / "initrd"), (work / "initrd").open("wb") as file:
                initramfs.write(file, modules, _told_inside(job, machine, environment))
            return qemu.command(machine, job.image, work / "initrd", shares)

        say(f"{job.image}: booting {release} with {job.machine}")
        return _answered(job, prepared, outbox, deadline, say)


def _answered(
    job: Job,
    prepared: Callable[[qemu.Machine], list[str]],
    outbox: Outbox,
    deadline: float,
    say: Say,
) -> Answer:
    """Boot, under emulation more than once if need be, until there is an answer."""
    machine = job.machine
    most_boots = 1 if job.machine.hardware else MOST_BOOTS
    for nr_boots in range(1, most_boots + 1):
        with room(outbox.folder):
            outbox.empty()
        silence_s = LONGEST_SILENCE_S if machine.beats else None
        seen = console.run(prepared(machine), deadline, longest_silence_s=silence_s)
        answer = outbox.answer()
        if answer is not None:
            return answer
        if not boot_failure.crashed(seen) or nr_boots == most_boots:
            break
        machine = replace(machine, takes_turns=True)
        say(f"{job.image}: {boot_failure.death(seen)}; booting again with {machine}")
    for line in () if seen.told else (*seen.last, *outbox.last_words()):
        say(f"| {line}")
    if not seen.ended and seen.silent_s is None:
        raise boot_failure.too_late(job.image, job.timeout_s, outbox.has_begun)
    raise boot_failure.unanswered(job.image, seen, nr_boots, hardware=job.machine.hardware)


def _environment(machine: qemu.Machine) -> dict[str, str]:
    """Return what the command inside is to know of this process's environment."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _TAKEN_ALONG or name.startswith(_FAMILIES_TAKEN_ALONG)
    }
    package = str(Path(xenperf.__file__).parents[1])
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (package, kept.get("PYTHONPATH"))))
    return kept if machine.hardware else {**GENERIC_CPU, **kept}


def _told_inside(
    job: Job, machine: qemu.Machine, environment: Mapping[str, str]
) -> dict[str, object]:
    """Return what ``guest_init`` reads to run the command."""
    return {
        "command": [sys.executable, "-m", job.module, *job.command.args],
        "folder": os.getcwd(),
        "environment": {**environment, **_INSIDE, BOOTED: machine.manner},
        "beats": machine.beats,
        "keeps_vm": machine.keeps_vm,
    }
