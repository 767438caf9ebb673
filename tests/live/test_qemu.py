from pathlib import Path

import pytest

from xenperf.errors import UnavailableError
from xenperf.live import qemu
from xenperf.live.qemu import Machine


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the root of a host with nested hardware virtualisation, to take away from."""
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nflags\t\t: fpu svm cx16\nbugs\t: none\n")
    (tmp_path / "kvm").touch()
    parameters = tmp_path / "modules/kvm_amd/parameters"
    parameters.mkdir(parents=True)
    (parameters / "nested").write_text("1\n")
    monkeypatch.setattr(qemu, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(qemu, "_DEVICE", tmp_path / "kvm")
    monkeypatch.setattr(qemu, "_PARAMETERS", tmp_path / "modules")
    return tmp_path


def _option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def test_hardware_is_used_where_it_can_be_nested(host: Path) -> None:
    assert qemu.why_no_hardware() is None
    words = Machine(2, 2048, hardware=True).arguments()
    assert (_option(words, "-accel"), _option(words, "-cpu")) == ("kvm", "host")
    assert "clearcpuid" not in _option(words, "-append")
    assert Machine(2, 2048, hardware=True).modules[-1] == "kvm_amd"


def test_an_intel_host_asks_for_its_own_module(host: Path) -> None:
    (host / "cpuinfo").write_text("processor\t: 0\nflags\t\t: fpu vmx\n")
    assert Machine(2, 2048, hardware=True).modules[-1] == "kvm_intel"
    assert Machine(2, 2048, hardware=False).modules[-1] == "kvm_amd"  # QEMU emulates AMD's


@pytest.mark.parametrize("said", ["0\n", "N\n"])
def test_without_nesting_there_is_no_hardware(host: Path, said: str) -> None:
    (host / "modules/kvm_amd/parameters/nested").write_text(said)
    assert qemu.why_no_hardware() == ("VMs cannot be nested", "load kvm_amd with nested=1")


def test_without_a_device_there_is_no_hardware(host: Path) -> None:
    (host / "kvm").unlink()
    assert qemu.why_no_hardware() == ("there is no /dev/kvm", "run modprobe kvm_amd")


def test_without_permission_there_is_no_hardware(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qemu.os, "access", lambda path, mode: False)
    why = qemu.why_no_hardware()
    assert why is not None
    assert "permission" in why[0]


def test_without_the_flag_there_is_no_hardware(host: Path) -> None:
    (host / "cpuinfo").write_text("processor\t: 0\nflags\t\t: fpu\n")
    why = qemu.why_no_hardware()
    assert why is not None
    assert "svm" in why[0]


def test_emulated_the_kernel_leaves_cmpxchg16b_and_user_space_still_sees_it() -> None:
    for machine in (Machine(2, 2048, False), Machine(1, 2048, False, counts_instructions=True)):
        words = machine.arguments()
        assert "clearcpuid=cx16" in _option(words, "-append").split()
        assert "-cx16" not in _option(words, "-cpu")
        assert "+svm" in _option(words, "-cpu")


def test_counting_instructions_takes_one_thread_and_one_clock() -> None:
    words = Machine(1, 2048, False, counts_instructions=True).arguments()
    assert _option(words, "-accel") == "tcg,thread=single"
    assert _option(words, "-icount") == "shift=0,sleep=off"
    assert _option(words, "-rtc").endswith("clock=vm")
    assert "-icount" not in Machine(1, 2048, False).arguments()


@pytest.mark.parametrize(
    ("machine", "beats", "keeps_vm"),
    [
        (Machine(2, 512, hardware=False), True, True),
        (Machine(2, 512, hardware=False, takes_turns=True), True, False),
        (Machine(1, 512, hardware=False, counts_instructions=True), False, False),
        (Machine(2, 512, hardware=True), True, False),
    ],
)
def test_nothing_more_runs_inside_than_its_manner_needs(
    machine: Machine, beats: bool, keeps_vm: bool
) -> None:
    assert (machine.beats, machine.keeps_vm) == (beats, keeps_vm)


def test_the_host_is_shared_read_only_and_a_comma_in_a_name_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / qemu.PROGRAM
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    words = qemu.command(Machine(1, 512, False), Path("i"), Path("r"), {"out": Path("/a,b")})
    shared = [word for word in words if word.startswith("local,")]
    assert words[0] == str(program)
    assert "path=/," in shared[0]
    assert "readonly=on" in shared[0]
    assert "path=/a,,b," in shared[1]
    assert "readonly" not in shared[1]


def test_another_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu.platform, "machine", lambda: "aarch64")
    with pytest.raises(UnavailableError, match="x86_64"):
        qemu.command(Machine(1, 512, False), Path("i"), Path("r"), {})
