"""The verb, with an emulator that does as each test tells it."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.live.booting import running
from tests.live.fake_kernels import ANSWERING, RELEASE, make_image, make_qemu
from xenperf.live import boot as live
from xenperf.live import qemu
from xenperf.record import atomic

Invoke = Callable[..., Any]
ANSWER = ANSWERING.format(code=0)
DYING = "echo '[    1.0] Kernel panic - not syncing: VFS: no root'"
SOON_S = 30.0


@dataclass(frozen=True, slots=True)
class Bench:
    """An image, a PATH that holds nothing but the emulator, and where temporary files go."""

    image: Path
    bin: Path
    temporary: Path

    def emulate(self, body: str) -> None:
        make_qemu(self.bin, body)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(make_image(tmp_path / "boot"), tmp_path / "bin", tmp_path / "tmp")
    made.temporary.mkdir()
    monkeypatch.setenv("PATH", f"{made.bin}:/usr/bin:/bin")
    monkeypatch.setenv("TMPDIR", str(made.temporary))
    monkeypatch.setenv("XENPERF_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(qemu, "why_no_hardware", lambda: ("there is no /dev/kvm", "wait"))
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def boot(bench: Bench, invoke: Invoke) -> Invoke:
    """Run the verb, and see that no temporary file and no emulator is left."""

    def run(*words: str, image: Path | None = None) -> Any:
        found = invoke("boot", "--kernel", str(image or bench.image), *words)
        assert list(bench.temporary.iterdir()) == []
        assert str(bench.bin) not in running()
        return found

    return run


def test_words_and_exit_code_are_brought_back(bench: Bench, boot: Invoke) -> None:
    bench.emulate(ANSWERING.format(code=1))
    found = boot("--", "list")
    assert (found.code, found.out) == (1, "said\n")
    assert found.err.splitlines()[-1] == "complained"
    assert f"booting {RELEASE} with CPUs 2, 2048 MiB, emulation" in found.err
    assert "there is no /dev/kvm; emulating" in found.err


def test_files_are_brought_back_to_where_they_are_wanted(bench: Bench, boot: Invoke) -> None:
    bench.emulate('echo "{}" >"$out/files/0/a.json"' + ANSWER)
    assert boot("--", "run", "--backend", "live", "-o", "a.json").code == 0
    assert Path("a.json").read_text() == "{}\n"


def test_no_space_for_results_is_told_and_what_was_said_is_not_lost(
    bench: Bench, boot: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.emulate('echo "{}" >"$out/files/0/a.json"' + ANSWER)
    written = atomic._write_new

    def full(path: Path, content: bytes, mode: int | None) -> None:
        written(path, content, mode)
        if content:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic, "_write_new", full)
    found = boot("--", "run", "--backend", "live", "-o", "a.json")
    assert (found.code, found.out) == (3, "said\n")
    last = found.err.splitlines()[-1]
    assert last.startswith("xenperf: a.json: cannot write: no space left on device; free some")
    assert not [*Path().glob("a.json"), *Path().glob(".xenperf*")]


def test_a_file_that_was_not_written_is_not_made(bench: Bench, boot: Invoke) -> None:
    bench.emulate(ANSWER)
    assert boot("--", "run", "--backend", "live", "-o", "a.json").code == 0
    assert not Path("a.json").exists()


def test_the_dashes_may_be_left_out(bench: Bench, boot: Invoke) -> None:
    bench.emulate('echo "$*" >"${0%/*}/arguments"' + ANSWER)
    assert boot("--cpus", "3", "list").code == 0
    assert "-smp 3 " in (bench.bin / "arguments").read_text()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "nothing to run inside"),
        (("--", "boot", "--kernel", "x"), "nothing to run inside"),
        (("--", "nonsense"), "no such verb to run inside"),
        (("--", "list", "--nonsense"), "No such option"),
        (("--", "run", "--backend", "live", "-o", "no/such/folder/a"), "create the directory"),
        (("--icount", "--cpus", "2", "--", "list"), "--icount has one CPU"),
        (("--icount", "--accel", "kvm", "--", "list"), "--icount is emulated"),
        (("--timeout", "0", "--", "list"), "--timeout"),
        (("--cpus", "0", "--", "list"), "--cpus"),
        (("--memory", "1", "--", "list"), "--memory"),
        (("--modules", "no/modules", "--", "list"), "there is no kernel module"),
    ],
)
def test_misuse_is_told_before_anything_is_booted(
    bench: Bench, boot: Invoke, words: tuple[str, ...], why: str
) -> None:
    bench.emulate("exit 99")
    found = boot(*words)
    assert (found.code, found.out) == (2, "")
    assert why in found.err.splitlines()[-1]
    assert "booting" not in found.err


def test_what_is_no_kernel_is_misuse(bench: Bench, boot: Invoke, tmp_path: Path) -> None:
    bench.emulate(ANSWER)
    (tmp_path / "text").write_text("not a kernel")
    for name, why in (("text", "is no kernel image"), ("gone", "cannot be read")):
        found = boot("--", "list", image=tmp_path / name)
        assert found.code == 2
        assert why in found.err
        assert "bzImage" in found.err.splitlines()[-1]


def test_a_page_of_help_needs_no_boot(bench: Bench, boot: Invoke) -> None:
    found = boot("--", "list", "--help")
    assert found.code == 0
    assert "booting" not in found.err


def test_without_qemu_the_remedy_is_to_install_it(
    bench: Bench, boot: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    found = boot("--", "list")
    assert found.code == 3
    assert "qemu-system-x86_64: not found in PATH; install QEMU" in found.err


def test_hardware_that_is_demanded_and_missing_stops(bench: Bench, boot: Invoke) -> None:
    found = boot("--accel", "kvm", "--", "list")
    assert found.code == 3
    assert found.err == "xenperf: hardware virtualisation: there is no /dev/kvm; wait\n"


def test_a_kernel_that_dies_under_emulation_is_booted_again(bench: Bench, boot: Invoke) -> None:
    note = 'echo "$*" >>"${0%/*}/arguments"; '
    bench.emulate(f'{note} if mkdir "$out/../died"; then {DYING}; exit 0; fi' + ANSWER)
    found = boot("--", "list")
    assert (found.code, found.out) == (0, "said\n")
    assert found.err.count("booting again") == 1
    first, second = (bench.bin / "arguments").read_text().splitlines()
    assert "tcg,thread=multi" in first
    assert "tcg,thread=single" in second
    assert "emulation, CPUs taking turns" in found.err


def test_a_kernel_that_hangs_under_emulation_is_booted_again(
    bench: Bench, boot: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LONGEST_SILENCE_S", 2)
    bench.emulate('if mkdir "$out/../hung"; then sleep 99; fi' + ANSWER)
    found = boot("--", "list")
    assert (found.code, found.out) == (0, "said\n")
    (line,) = (line for line in found.err.splitlines() if "booting again" in line)
    assert "the kernel hangs (no sign of life for 2 s)" in line
    assert line.endswith("emulation, CPUs taking turns")


def test_a_kernel_that_hangs_by_hardware_is_believed(
    bench: Bench, boot: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LONGEST_SILENCE_S", 0.5)
    monkeypatch.setattr(qemu, "why_no_hardware", lambda: None)
    bench.emulate("echo hung; sleep 99")
    found = boot("--", "list")
    assert found.code == 3
    *_, last_line, line = found.err.splitlines()
    assert last_line == "| hung"
    assert "the kernel hangs (no sign of life for 0.5 s); see its last lines above" in line
    assert "again" not in found.err


def test_where_instructions_are_counted_silence_means_nothing(
    bench: Bench, boot: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LONGEST_SILENCE_S", 0.1)
    bench.emulate("sleep 0.5" + ANSWER)
    assert boot("--icount", "--", "list").code == 0


def test_a_kernel_that_always_dies_is_given_up_with_its_last_lines(
    bench: Bench, boot: Invoke
) -> None:
    bench.emulate(DYING)
    found = boot("--", "list")
    assert (found.code, found.out) == (3, "")
    *_, last_line, line = found.err.splitlines()
    assert last_line == "| [    1.0] Kernel panic - not syncing: VFS: no root"
    assert f"Kernel panic - not syncing: VFS: no root) in each of {live.MOST_BOOTS} boots" in line
    assert found.err.count("booting again") == live.MOST_BOOTS - 1


def test_a_kernel_that_dies_by_hardware_is_believed(
    bench: Bench, boot: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qemu, "why_no_hardware", lambda: None)
    bench.emulate(DYING)
    found = boot("--", "list")
    assert found.code == 3
    assert "again" not in found.err


def test_what_the_guest_tells_is_not_tried_again(bench: Bench, boot: Invoke) -> None:
    bench.emulate("echo 'xenperf-boot: no 9p (No such device); give --modules DIR'")
    found = boot("--", "list")
    assert found.code == 3
    assert found.err.splitlines()[-1].endswith("no 9p (No such device); give --modules DIR")
    assert "| " not in found.err  # that line says it all
    assert "again" not in found.err


def test_what_qemu_refuses_is_told_in_its_words(
    bench: Bench, boot: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.emulate("echo 'qemu-system-x86_64: cannot set up guest memory' >&2; exit 1")
    found = boot("--", "list")
    assert found.code == 3
    line = found.err.splitlines()[-1]
    assert line.startswith("xenperf: qemu-system-x86_64: cannot set up guest memory; ")
    monkeypatch.setattr(qemu, "why_no_hardware", lambda: None)
    assert "--accel tcg" in boot("--", "list").err.splitlines()[-1]


@pytest.mark.parametrize(
    ("begun", "why"),
    [("", "the command had not begun"), ('echo half >"$out/stdout"; : >"$out/stderr"', "running")],
)
def test_a_vm_that_hangs_is_ended_with_its_last_lines(
    bench: Bench, boot: Invoke, begun: str, why: str
) -> None:
    bench.emulate(f"{begun}\necho hung; sleep 99")
    found = boot("--timeout", "2", "--", "list")
    assert found.code == 3
    lines = found.err.splitlines()
    assert "| hung" in lines
    assert ("| half" in lines) == bool(begun)
    assert why in lines[-1]
    assert "--timeout" in lines[-1]


def test_a_command_killed_inside_is_no_answer(bench: Bench, boot: Invoke) -> None:
    bench.emulate(ANSWERING.format(code=-9))
    found = boot("--", "list")
    assert found.code == 3
    assert "signal 9 killed it" in found.err.splitlines()[-1]


def test_no_room_for_temporary_files_is_told(
    bench: Bench, boot: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.emulate(ANSWER)

    def no_room(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(live.initramfs, "write", no_room)
    found = boot("--", "list")
    assert found.code == 3
    line = found.err.splitlines()[-1]
    assert "no temporary files: No space left on device; free some space, or set TMPDIR" in line


def test_no_folder_for_temporary_files_is_told(
    bench: Bench, boot: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.emulate(ANSWER)
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")
    found = boot("--", "list")
    assert found.code == 3
    assert "/no/such/folder: no temporary files: No such file or directory" in found.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_nothing_is_left(bench: Bench, number: signal.Signals) -> None:
    bench.emulate('echo $$ >"$out/../../pid"; exec sleep 99')
    words = ("boot", "--kernel", str(bench.image), "--", "list")
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-m", "xenperf", *words],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + SOON_S
        pid_file = bench.temporary / "pid"
        while not pid_file.exists() or not pid_file.read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        _, said = process.communicate(timeout=SOON_S)
    pid = int(pid_file.read_text())
    pid_file.unlink()
    assert (process.returncode, said.splitlines()[-1]) == (
        2,
        "xenperf: interrupted; nothing was kept",
    )
    assert list(bench.temporary.iterdir()) == []
    assert not Path(f"/proc/{pid}").exists()
