"""QEMU's command line: with hardware virtualisation where it can be nested, else emulated."""

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xenperf.errors import UnavailableError
from xenperf.live import guest_init

PROGRAM: Final = "qemu-system-x86_64"
_CPUINFO: Final = Path("/proc/cpuinfo")
_DEVICE: Final = Path("/dev/kvm")
_PARAMETERS: Final = Path("/sys/module")
_NESTING: Final = {"svm": "kvm_amd", "vmx": "kvm_intel"}  # the processor's flag, and who uses it
_MODULES: Final = ("virtio_pci", "9pnet_virtio", "9p")
ALL_MODULES: Final = (*_MODULES, *_NESTING.values())
"""What any machine may need, unless it is built in."""

# Every oops ends the VM, which is then seen to have died. cmpxchg16b leaves garbage in the flags
# under QEMU 7.2; the kernel is told not to use it. User space must still see it: NumPy insists.
_APPEND: Final = "console=ttyS0 earlyprintk=ttyS0 panic=-1 oops=panic"
_APPEND_EMULATED: Final = f"{_APPEND} clearcpuid=cx16"
_APPEND_COUNTED: Final = (
    f"{_APPEND_EMULATED} nokaslr norandmaps randomize_kstack_offset=off"
    " mitigations=off tsc=reliable"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a VM is made of."""

    cpus: int
    memory_mib: int
    hardware: bool
    counts_instructions: bool = False
    """The guest's clock counts instructions as nanoseconds: one CPU, and emulated."""

    takes_turns: bool = False
    """Emulated CPUs take turns in one thread, under which kernels do not crash as they change their
    own code; but no two of them run at the same time."""

    def __str__(self) -> str:
        """Return it in a few words."""
        return f"CPUs {self.cpus}, {self.memory_mib} MiB, {self.manner}"

    @property
    def manner(self) -> str:
        """How it runs, since that decides what its figures mean."""
        if self.counts_instructions:
            return "emulation, a clock that counts instructions"
        if self.takes_turns:
            return "emulation, CPUs taking turns"
        return "hardware virtualisation" if self.hardware else "emulation"

    @property
    def beats(self) -> bool:
        """Whether it gives signs of life, which would be counted where instructions are."""
        return not self.counts_instructions

    @property
    def keeps_vm(self) -> bool:
        """Whether its kernel had better not change the code that another CPU is running."""
        return not (self.hardware or self.counts_instructions or self.takes_turns)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that it needs, unless they are built in."""
        kvm = _NESTING.get(_nesting_flag() or "svm", "kvm_amd") if self.hardware else "kvm_amd"
        return (*_MODULES, kvm)

    def arguments(self) -> list[str]:
        """Return the options that make the machine."""
        made = ["-m", str(self.memory_mib), "-smp", str(self.cpus)]
        if self.hardware:
            return [*made, "-accel", "kvm", "-cpu", "host", "-append", _APPEND]
        if not self.counts_instructions:
            tcg = "tcg,thread=single" if self.takes_turns else "tcg,thread=multi"
            return [*made, "-accel", tcg, "-cpu", "max,+svm", "-append", _APPEND_EMULATED]
        return [
            *made,
            *("-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"),
            *("-rtc", "base=2020-01-01T00:00:00,clock=vm"),
            *("-cpu", "max,+svm,-rdrand,-rdseed", "-append", _APPEND_COUNTED),
        ]


def command(machine: Machine, image: Path, initrd: Path, shares: Mapping[str, Path]) -> list[str]:
    """Return the command that runs a VM: its console is on standard output, and it never reboots.

    shares
        Folders of the host that the guest may write to, by 9p tag; all others it may read.

    Raise ``UnavailableError`` if QEMU is not there.
    """
    words = [
        *(program(), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-machine", "pc", "-serial", "stdio"),
        *("-kernel", str(image), "-initrd", str(initrd)),
        *machine.arguments(),
        *_share(guest_init.HOST_TAG, Path("/"), ",readonly=on,multidevs=remap"),
    ]
    for tag, folder in shares.items():
        words += _share(tag, folder)
    return words


def why_no_hardware() -> tuple[str, str] | None:
    """Return why no VM can have VMs of its own by hardware, and the remedy; None: it can."""
    flag = _nesting_flag()
    if flag is None:
        return "this processor shows neither svm nor vmx", "enable virtualisation in the firmware"
    if not _DEVICE.exists():
        return "there is no /dev/kvm", f"run modprobe {_NESTING[flag]}"
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return "no permission to use /dev/kvm", "join the group that owns it"
    nested = _PARAMETERS / _NESTING[flag] / "parameters/nested"
    if nested.exists() and nested.read_text().strip() not in ("1", "Y"):
        return "VMs cannot be nested", f"load {_NESTING[flag]} with nested=1"
    return None


def program() -> str:
    """Return QEMU's path; ``UnavailableError`` if it is not there."""
    if platform.machine() != "x86_64":
        raise UnavailableError(platform.machine(), "VMs are booted on x86_64 only")
    found = shutil.which(PROGRAM)
    if found is None:
        remedy = "install QEMU (Debian: apt-get install qemu-system-x86)"
        raise UnavailableError(PROGRAM, "not found in PATH", remedy)
    return found


def _nesting_flag() -> str | None:
    flags = _CPUINFO.read_text().partition("\nflags")[2].partition("\n")[0].split()
    return next((flag for flag in _NESTING if flag in flags), None)


def _share(tag: str, folder: Path, more: str = "") -> list[str]:
    path = str(folder).replace(",", ",,")  # QEMU's way to write a comma
    return [
        *("-fsdev", f"local,id={tag},path={path},security_model=none{more}"),
        *("-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"),
    ]
