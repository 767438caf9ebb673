"""``xenperf boot``: run ``xenperf`` in a VM of a kernel image."""

from pathlib import Path
from typing import Any, Final

import click

from xenperf.cli.streams import Streams
from xenperf.errors import UnavailableError, UsageError
from xenperf.live import boot as live
from xenperf.live import qemu
from xenperf.live.outbox import Answer
from xenperf.live.outputs import redirect
from xenperf.record.atomic import ensure_writable, write_text

NAME: Final = "boot"
AUTO: Final = "auto"
HARDWARE: Final = "kvm"
EMULATED: Final = "tcg"
DEFAULT_CPUS: Final = 2
DEFAULT_MEMORY_MIB: Final = 2048
LEAST_MEMORY_MIB: Final = 512
DEFAULT_TIMEOUT_S: Final = 1800
LONGEST_TIMEOUT_S: Final = 1_000_000
EPILOG: Final = """\b
Exit codes:
  0, 1, 2  what ARGS ended with; 2 also for misuse of boot itself
  3        what ARGS ended with, or the VM gave no answer
"""


@click.command(
    NAME,
    epilog=EPILOG,
    context_settings={"allow_interspersed_args": False},
)
@click.option("--kernel", required=True, metavar="IMAGE", help="A vmlinuz or bzImage.")
@click.option("--modules", metavar="DIR", help="Where its modules are.  [default: beside IMAGE]")
@click.option(
    "--icount", is_flag=True, help="The VM's clock counts instructions: one CPU, emulated."
)
@click.option(
    "--accel",
    type=click.Choice([AUTO, HARDWARE, EMULATED]),
    default=AUTO,
    show_default=True,
    help="Hardware virtualisation, emulation, or whichever is there.",
)
@click.option(
    "--cpus",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"CPUs of the VM.  [default: {DEFAULT_CPUS}; 1 with --icount]",
)
@click.option(
    "--memory",
    type=click.IntRange(min=LEAST_MEMORY_MIB),
    default=DEFAULT_MEMORY_MIB,
    show_default=True,
    metavar="MIB",
)
@click.option(
    "--timeout",
    type=click.IntRange(1, LONGEST_TIMEOUT_S),
    default=DEFAULT_TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="For everything: compiling, booting and ARGS.",
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="-- ARGS")
@click.pass_context
def verb(context: click.Context, /, args: tuple[str, ...], **options: Any) -> int:
    """Boot IMAGE in a VM and run `xenperf ARGS` inside.

    The VM sees this machine's files, read-only. What ARGS writes with -o, says and exits with is
    brought back. Nothing else is left behind.
    """
    streams: Streams = context.obj
    backend = _check_inner(context, args)
    command = redirect(args)
    for path in command.paths:
        ensure_writable(path)
    machine = machine_of(streams, **{name: options[name] for name in _MACHINE})
    job = live.Job(
        image=Path(options["kernel"]),
        command=command,
        machine=machine,
        timeout_s=options["timeout"],
        modules=options["modules"] and Path(options["modules"]),
        backend=backend,
    )
    return _hand_over(live.boot(job, streams.say), streams)


_MACHINE: Final = ("accel", "icount", "cpus", "memory")


def _check_inner(context: click.Context, args: tuple[str, ...]) -> str | None:
    """Let the verb inside judge *args* now, not after a boot; return the back end it will use."""
    root = context.find_root()
    group = root.command
    assert isinstance(group, click.Group)  # the only place that boot hangs in
    if not args or args[0] == NAME:
        raise UsageError("boot", "nothing to run inside", "say what after --, such as -- cases")
    inner = group.get_command(root, args[0])
    if inner is None:
        remedy = f"use one of {', '.join(group.list_commands(root))}"
        raise UsageError(f"verb {args[0]}", "no such verb to run inside", remedy)
    with inner.make_context(args[0], list(args[1:]), parent=root) as parsed:
        backend: str | None = parsed.params.get("backend")
    return backend


def machine_of(
    streams: Streams, /, *, accel: str, icount: bool, cpus: int | None, memory: int
) -> qemu.Machine:
    """Return the machine asked for; say why it is emulated where nobody asked for that."""
    if icount and (cpus or 1) > 1:
        raise UsageError(f"--cpus {cpus}", "--icount has one CPU", "leave one of them out")
    if icount and accel == HARDWARE:
        raise UsageError(f"--accel {HARDWARE}", "--icount is emulated", "leave one of them out")
    why_not = qemu.why_no_hardware()
    if accel == HARDWARE and why_not:
        raise UnavailableError("hardware virtualisation", *why_not)
    if accel == AUTO and not icount and why_not:
        streams.say(f"hardware virtualisation: {why_not[0]}; emulating, many times slower")
    hardware = accel != EMULATED and not icount and why_not is None
    return qemu.Machine(cpus or (1 if icount else DEFAULT_CPUS), memory, hardware, icount)


def _hand_over(answer: Answer, streams: Streams) -> int:
    """Write and say what the command inside has written and said; return its exit code.

    ``UnavailableError`` if a file that could be written before the boot cannot be any more.
    """
    refused = None
    for path, content in answer.files.items():
        try:
            write_text(path, content)
        except UsageError as error:
            refused = UnavailableError(error.thing, error.reason, error.remedy)
    streams.write(answer.out)
    for line in answer.err.splitlines():
        streams.say(line)
    if refused:
        raise refused
    if answer.code < 0:
        reason = f"signal {-answer.code} killed it inside the VM"
        raise UnavailableError("xenperf", reason, "give more --memory, or run it again")
    return answer.code
