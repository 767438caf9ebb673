import ctypes
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from xenperf.abi.kvm import Ioctl
from xenperf.live import guest_init
from xenperf.live.guest_init import MOUNTS, Stopped

# In a process of its own: it forks, and its child leaves by os._exit.
RUN = """
import json, sys
from xenperf.live import guest_init
guest_init.OUT = sys.argv[1]
guest_init.report(guest_init.run(json.loads(sys.argv[2])))
"""


# As above; the console is a pipe, whose end ends it.
BEAT = """
import os
from xenperf.live import guest_init
guest_init._BETWEEN_BEATS_S = 0
set_affinity = os.sched_setaffinity
def told(pid, cpus):
    os.write(1, b"%d" % min(cpus))
    set_affinity(pid, cpus)
os.sched_setaffinity = told
guest_init.beat()
"""


class Libc:
    """A C library whose calls all end alike."""

    def __init__(self, status: int, number: int) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._outcome = status, number

    def _call(self, *args: Any) -> int:
        self.calls.append(args)
        status, number = self._outcome
        ctypes.set_errno(number)
        return status

    mount = syscall = reboot = ioctl = _call


def _run(out: Path, *command: str, folder: str = "/") -> None:
    job = {"command": list(command), "folder": folder, "environment": {"WORD": "said"}}
    subprocess.run([sys.executable, "-c", RUN, str(out), json.dumps(job)], check=True)


def test_words_and_exit_code_of_the_command_become_files(tmp_path: Path) -> None:
    _run(tmp_path, "/bin/sh", "-c", "echo $WORD; pwd; echo oh >&2; exit 7", folder="/usr")
    assert (tmp_path / "stdout").read_text() == "said\n/usr\n"
    assert (tmp_path / "stderr").read_text() == "oh\n"
    assert (tmp_path / "exit").read_text() == "7"


def test_a_command_killed_by_a_signal_ends_with_its_negative(tmp_path: Path) -> None:
    _run(tmp_path, "/bin/sh", "-c", "kill -9 $$")
    assert (tmp_path / "exit").read_text() == "-9"


def test_a_command_that_cannot_be_run_says_so(tmp_path: Path) -> None:
    _run(tmp_path, "/no/such/program")
    assert (tmp_path / "exit").read_text() == "3"
    assert "cannot be run inside the VM" in (tmp_path / "stderr").read_text()


def test_orphans_are_not_taken_for_the_command(tmp_path: Path) -> None:
    _run(tmp_path, "/bin/sh", "-c", "(exit 5) & sleep 0.05; exit 6")
    assert (tmp_path / "exit").read_text() == "6"


def test_a_beat_comes_from_each_cpu_in_turn_until_nobody_listens() -> None:
    cpus = b"".join(b"%d\x05" % cpu for cpu in sorted(os.sched_getaffinity(0)))
    with subprocess.Popen([sys.executable, "-c", BEAT], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(3 * len(cpus)) == 3 * cpus
        process.stdout.close()
        assert process.wait(timeout=30) == 0


def test_a_vm_is_kept_where_there_is_kvm(monkeypatch: pytest.MonkeyPatch) -> None:
    libc, opened = Libc(7, 0), []

    def open_one(path: str, flags: int) -> int:
        opened.append((path, flags))
        return 5

    monkeypatch.setattr(guest_init, "libc", libc)
    monkeypatch.setattr(guest_init.os, "open", open_one)
    guest_init.keep_vm()
    assert (opened, libc.calls) == ([("/dev/kvm", os.O_RDWR)], [(5, Ioctl.CREATE_VM, 0)])


def test_without_kvm_there_is_no_vm_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_none(path: str, flags: int) -> int:
        raise FileNotFoundError(path)

    monkeypatch.setattr(guest_init.os, "open", open_none)
    guest_init.keep_vm()


@pytest.mark.parametrize(
    ("number", "loaded"),
    [(errno.EEXIST, True), (errno.ENODEV, True), (errno.EOPNOTSUPP, True), (errno.ENOEXEC, False)],
)
def test_a_module_counts_as_refused_only_when_it_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, loaded: bool
) -> None:
    (tmp_path / "a.ko").touch()
    monkeypatch.setattr(guest_init, "libc", Libc(-1, number))
    assert guest_init.load_module(str(tmp_path / "a.ko")) is loaded


def test_the_host_is_mounted_first_and_read_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    libc = Libc(0, 0)
    monkeypatch.setattr(guest_init, "libc", libc)
    monkeypatch.setattr(guest_init, "ROOT", str(tmp_path))
    for mount in MOUNTS:
        guest_init.mount_one(mount, [])
    source, place, kind, flags, options = libc.calls[0]
    assert (source, place, kind) == (b"xenperf-host", bytes(tmp_path), b"9p")
    assert flags & 1  # MS_RDONLY
    assert b"trans=virtio" in options
    assert [call[3] for call in libc.calls[1:]] == [0] * (len(MOUNTS) - 1)


@pytest.mark.parametrize(
    ("refused", "remedy"), [([], "CONFIG_9P_FS"), (["9p.ko"], "of the same build")]
)
def test_a_kernel_that_cannot_mount_is_told_apart_by_its_modules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refused: list[str], remedy: str
) -> None:
    monkeypatch.setattr(guest_init, "libc", Libc(-1, errno.ENODEV))
    monkeypatch.setattr(guest_init, "ROOT", str(tmp_path))
    with pytest.raises(Stopped) as caught:
        guest_init.mount_one(MOUNTS[0], refused)
    reason, _, advice = str(caught.value).partition("; ")
    assert "cannot mount 9p" in reason
    assert remedy in advice


def test_whatever_goes_wrong_is_told_on_one_line_and_the_vm_restarts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    libc = Libc(0, 0)
    monkeypatch.setattr(guest_init, "libc", libc)
    monkeypatch.setattr(guest_init, "JOB", str(tmp_path / "none"))
    guest_init.main()
    (line,) = capfd.readouterr().out.split("\n")[1:-1]
    assert line.startswith(guest_init.MARK)
    assert libc.calls == [(0x01234567,)]  # LINUX_REBOOT_CMD_RESTART
