"""One vCPU of a live VM: KVM_RUN until the guest has come to its end, and what it then says."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from xenperf.abi.kvm import XEN_VCPU_ATTR, Exit, Ioctl, VcpuAttr
from xenperf.abi.status import Status, errno_name
from xenperf.abi.structs import record
from xenperf.abi.vcpu import MP_STATE, REGS, RUN, SREGS, MpState
from xenperf.errors import MeasurementError
from xenperf.live.descriptors import Descriptor
from xenperf.live.guest import CALL, ENTER, Guest, Port, set_up_mode
from xenperf.mappings import FileMapping
from xenperf.sources import GuestCall

LOOK_S: Final = 0.002
NR_LOOKS: Final = 10
"""A thread that waits at so many looks in a row has been put to sleep by its hypercall.

One that only has not got its processor yet is ready to run, and does not count as waiting.
"""

EINTR: Final = -4
MASK32: Final = 0xFFFF_FFFF


class Vcpu:
    """A vCPU's descriptor, the page it reports in, and the thread that runs it while it sleeps."""

    def __init__(self, idx: int, descriptor: Descriptor, guest: Guest, run_bytes: int) -> None:
        """Own *descriptor*; the guest and its memory are the VM's."""
        self.idx = idx
        self._descriptor = descriptor
        self._guest = guest
        self._run_bytes = run_bytes
        self._run: FileMapping | None = None
        self._sleeper: threading.Thread | None = None
        self._woken_with: list[int | BaseException] = []
        self._is_timed = False

    def set_attr(self, kind: VcpuAttr, **fields: int) -> int:
        """Set an attribute; 0 or a negative errno."""
        attr = record(XEN_VCPU_ATTR, type=kind, **fields)
        return self._request(Ioctl.XEN_VCPU_SET_ATTR, attr)

    def get_attr(self, kind: VcpuAttr, field: str) -> int:
        """Return *field* of an attribute, or a negative errno."""
        attr = record(XEN_VCPU_ATTR, type=kind)
        rc = self._request(Ioctl.XEN_VCPU_GET_ATTR, attr)
        return int(attr[field][0]) if rc == Status.OK else rc

    def enter(self) -> bool:
        """Enter the guest, with interrupts on; tell whether one came before its first step."""
        self._set_registers(ENTER, interrupts=True)
        return self._run_to_end() == Port.UPCALL

    def call(self, number: int, *parameters: int) -> int:
        """Let the guest make a hypercall, with interrupts off; ``GuestCall`` or -errno."""
        words = dict(zip(("rbx", "rcx", "rdx"), parameters, strict=False))
        self._set_registers(CALL, interrupts=False, rax=number, **words)
        return self._answer(self._run_to_end())

    def call_and_sleep(self, number: int, *parameters: int, is_timed: bool) -> int:
        """Do the same in a thread, since the vCPU may sleep: then ``GuestCall.ASLEEP``.

        is_timed
            It wakes by itself after a while.
        """
        self._check_awake()
        self._is_timed = is_timed
        self._sleeper = threading.Thread(
            target=self._sleep, args=(lambda: self.call(number, *parameters),), daemon=True
        )
        self._sleeper.start()
        return self.result()

    def result(self) -> int:
        """Return what the sleeping call came to; ``GuestCall.ASLEEP`` if it is not over yet."""
        if self._stays_asleep():
            return GuestCall.ASLEEP
        self._sleeper = None
        answer = self._woken_with.pop() if self._woken_with else GuestCall.OK
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @property
    def is_asleep(self) -> bool:
        """Tell whether a call has not come back yet."""
        return self._sleeper is not None and self._sleeper.is_alive()

    @property
    def sleeps_on(self) -> bool:
        """Tell whether a call sleeps that may never come back by itself."""
        return not self._is_timed and self._stays_asleep()

    def close(self) -> None:
        """Unmap and close; whoever owns the VM has woken it before."""
        if self._sleeper is not None:
            self._sleeper.join()
        if self._run is not None:
            self._run.close()
        self._descriptor.close()

    def _request(self, number: Ioctl, argument: object = 0) -> int:
        if threading.current_thread() is not self._sleeper:
            self._check_awake()
        return self._descriptor.request(number, argument)

    def _check_awake(self) -> None:
        """Refuse what would wait for a vCPU that sleeps, maybe for good."""
        if self._stays_asleep():
            raise ValueError(f"vcpu {self.idx}: asleep in a poll; ask poll_result first")

    def _stays_asleep(self) -> bool:
        """Wait until the sleeping call has come back, or has gone on waiting for a while."""
        nr_waiting = 0
        while self._sleeper is not None and nr_waiting < NR_LOOKS:
            self._sleeper.join(LOOK_S)
            if not self._sleeper.is_alive():
                return False
            nr_waiting = nr_waiting + 1 if _is_waiting(self._sleeper) else 0
        return self._sleeper is not None

    def _sleep(self, call: Callable[[], int]) -> None:
        """Keep what *call* comes to, its exception included, for whoever asks."""
        try:
            self._woken_with = [call()]
        except (MeasurementError, ValueError) as error:
            self._woken_with = [error]

    def _set_registers(self, entry: int, interrupts: bool, **words: int) -> None:
        if self._run is None:
            self._set_up()
        registers = self._guest.registers(self.idx, entry, interrupts, **words)
        self._must(Ioctl.SET_REGS, registers)

    def _set_up(self) -> None:
        """Bring a new vCPU into the guest's mode."""
        self._must(Ioctl.SET_MP_STATE, record(MP_STATE, mp_state=MpState.RUNNABLE))
        sregs = np.zeros(1, SREGS)
        self._must(Ioctl.GET_SREGS, sregs)
        set_up_mode(sregs)
        self._must(Ioctl.SET_SREGS, sregs)
        self._run = FileMapping(self._descriptor.fd, self._run_bytes)

    def _must(self, number: Ioctl, argument: object) -> None:
        rc = self._request(number, argument)
        if rc < 0:
            raise MeasurementError(f"vcpu {self.idx}", f"{number.name} failed: {errno_name(rc)}")

    def _run_to_end(self) -> int:
        """Run until the guest writes to one of its ports, or ``Exit.XEN`` if KVM leaves its call.

        ``MeasurementError`` for any other way that KVM_RUN may end.
        """
        while (rc := self._request(Ioctl.RUN)) == EINTR:
            pass
        assert self._run is not None
        told = self._run.view(RUN)[0]
        reason, port = int(told["exit_reason"]), int(told["io_port"])
        if rc == 0 and reason == Exit.XEN:
            return Exit.XEN
        if rc == 0 and reason == Exit.IO and port != Port.FAULT:
            return Port(port)
        ended = errno_name(rc) if rc < 0 else f"exit {reason}"
        if rc == 0 and reason == Exit.IO:
            ended = "the guest faulted"
        raise MeasurementError(f"vcpu {self.idx}", f"KVM_RUN ended with {ended}")

    def _answer(self, end: int) -> int:
        if end == Exit.XEN:
            return GuestCall.LEFT_TO_VMM
        registers = np.zeros(1, REGS)
        self._must(Ioctl.GET_REGS, registers)
        low = int(registers["rax"][0]) & MASK32
        return low - (1 << 32) if low >> 31 else low


def _is_waiting(thread: threading.Thread) -> bool:
    """Tell whether *thread* waits for something other than a processor."""
    try:
        told = Path(f"/proc/self/task/{thread.native_id}/stat").read_text(encoding="ascii")
    except OSError:  # it has ended
        return False
    return told.rpartition(")")[2].split()[0] == "S"
