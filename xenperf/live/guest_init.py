"""The first process of a VM that ``xenperf boot`` started: mount the host's files, run, report.

It is copied into the initramfs beside an interpreter and runs on no other file until the host's
files are mounted, so it imports the standard library only, and of that only what ``initramfs``
finds by importing this file. Whatever goes wrong is told in one line on the console.
"""

import ctypes
import errno
import json
import os
import time
from typing import Any, Final, NamedTuple

MARK: Final = "xenperf-boot: "
"""Begins the line on the console that says why nothing was run."""

BEAT: Final = b"\x05"
"""Written to the console every few seconds, by which the host knows that all CPUs are alive."""

ROOT: Final = "/root-of-host"
WORK: Final = "/dev/xenperf"  # in the devtmpfs, since nothing can be made in the host's folders
OUT: Final = f"{WORK}/out"
CACHE: Final = f"{WORK}/cache"
TEMPORARY: Final = f"{WORK}/tmp"

HOST_TAG: Final = "xenperf-host"
OUT_TAG: Final = "xenperf-out"
CACHE_TAG: Final = "xenperf-cache"
JOB: Final = "/job.json"
STDOUT: Final = "stdout"
STDERR: Final = "stderr"
EXIT: Final = "exit"

_READ_ONLY: Final = 1  # MS_RDONLY, linux/mount.h
_RESTART: Final = 0x01234567  # LINUX_REBOOT_CMD_RESTART, linux/reboot.h
_FINIT_MODULE: Final = 313  # asm/unistd_64.h
_CREATE_VM: Final = 0xAE01  # KVM_CREATE_VM, linux/kvm.h
_BETWEEN_BEATS_S: Final = 2.0
_NOT_OURS: Final = (errno.EEXIST, errno.ENODEV, errno.EOPNOTSUPP)  # loaded; for another processor
_9P: Final = "trans=virtio,version=9p2000.L,msize=512000"

libc: Final = ctypes.CDLL(None, use_errno=True)


class Stopped(Exception):
    """Why nothing was run: the reason and the remedy."""


class Mount(NamedTuple):
    """One file system and its place below the host's root."""

    source: str
    place: str
    kind: str
    flags: int = 0
    options: str = ""


MOUNTS: Final = (
    Mount(HOST_TAG, "", "9p", _READ_ONLY, f"{_9P},cache=loose"),
    Mount("proc", "/proc", "proc"),
    Mount("sysfs", "/sys", "sysfs"),
    Mount("devtmpfs", "/dev", "devtmpfs"),
    Mount("tmpfs", "/dev/shm", "tmpfs"),
    Mount(OUT_TAG, OUT, "9p", options=_9P),
    Mount(CACHE_TAG, CACHE, "9p", options=_9P),
    Mount("tmpfs", TEMPORARY, "tmpfs"),
)


def main() -> None:
    """Do the job and restart, which ends the emulator."""
    try:
        with open(JOB, encoding="utf-8") as file:
            job = json.load(file)
        refused = [name for name in job["modules"] if not load_module(f"/modules/{name}")]
        for mount in MOUNTS:
            mount_one(mount, refused)
        os.chroot(ROOT)
        if job["keeps_vm"]:
            keep_vm()
        if job["beats"] and os.fork() == 0:
            beat()
        report(run(job))
    except Stopped as stopped:
        tell(str(stopped))
    except OSError as error:
        tell(f"the VM could not be set up: {error}; free some space for temporary files")
    finally:
        os.sync()
        libc.reboot(_RESTART)


def load_module(path: str) -> bool:
    """Load one module; False where the kernel refused it."""
    with open(path, "rb") as file:
        status = libc.syscall(_FINIT_MODULE, file.fileno(), b"", 0)
    return status == 0 or ctypes.get_errno() in _NOT_OURS


def mount_one(mount: Mount, refused: list[str]) -> None:
    """Mount below the host's root; ``Stopped`` if the kernel cannot."""
    place = ROOT + mount.place
    os.makedirs(place, exist_ok=True)
    words = (mount.source, place, mount.kind)
    status = libc.mount(*(word.encode() for word in words), mount.flags, mount.options.encode())
    if status == 0:
        return
    why = f"the kernel cannot mount {mount.kind} {mount.source} ({os.strerror(ctypes.get_errno())})"
    if refused:
        raise Stopped(
            f"{why} and refused the modules {', '.join(refused)}; "
            "give those of the same build with --modules DIR"
        )
    raise Stopped(
        f"{why}; give its modules with --modules DIR, or build it with CONFIG_9P_FS, "
        "CONFIG_NET_9P_VIRTIO, CONFIG_VIRTIO_PCI, CONFIG_DEVTMPFS and CONFIG_TMPFS"
    )


def keep_vm() -> None:
    """Have one VM of KVM's for as long as this machine runs.

    The kernel changes the code of its scheduler as the first VM comes and as the last one goes
    (preempt_notifier_inc and preempt_notifier_dec, Linux 6.1 to 7.2). An emulator that runs each
    CPU in a thread may go on with the code from before (QEMU 7.2), and hangs then.
    """
    try:
        device = os.open("/dev/kvm", os.O_RDWR)
    except OSError:
        return  # the command is in a better place to say what is missing
    libc.ioctl(device, _CREATE_VM, 0)  # never closed; a program that is run does not inherit it


def beat() -> None:
    """Give signs of life, from each CPU in turn, so that they end when one of them hangs."""
    cpus = os.sched_getaffinity(0)
    try:
        while True:
            for cpu in cpus:
                os.sched_setaffinity(0, {cpu})
                os.write(1, BEAT)
                time.sleep(_BETWEEN_BEATS_S)
    finally:
        os._exit(0)


def run(job: dict[str, Any]) -> int:
    """Run the command in a child, its words going to files; return its exit code."""
    child = os.fork()
    if child == 0:
        start(job)
    while True:  # orphans of the command end here as well
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def start(job: dict[str, Any]) -> None:
    """Become the command."""
    try:
        os.setsid()
        for descriptor, name in ((0, "/dev/null"), (1, f"{OUT}/{STDOUT}"), (2, f"{OUT}/{STDERR}")):
            opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(opened, descriptor)
            os.close(opened)
        os.chdir(job["folder"])
        os.execve(job["command"][0], job["command"], job["environment"])
    except OSError as error:
        os.write(2, f"{job['command'][0]}: cannot be run inside the VM: {error}\n".encode())
    finally:
        os._exit(3)


def report(code: int) -> None:
    """Write the exit code, last and in one step, so that its presence says that all is there."""
    with open(f"{OUT}/{EXIT}.new", "w", encoding="ascii") as file:
        file.write(str(code))
    os.rename(f"{OUT}/{EXIT}.new", f"{OUT}/{EXIT}")


def tell(line: str) -> None:
    """Write one line to the console, on a line of its own."""
    os.write(1, f"\n{MARK}{line}\n".encode())


if __name__ == "__main__":
    main()
