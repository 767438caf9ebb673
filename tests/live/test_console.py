import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xenperf.errors import UnavailableError
from xenperf.live import console

SOON_S = 20.0


def _run(
    script: str, seconds: float = SOON_S, longest_silence_s: float | None = None
) -> console.Console:
    command = ["/bin/sh", "-c", script]
    return console.run(command, time.monotonic() + seconds, longest_silence_s=longest_silence_s)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_both_streams_are_kept_line_by_line() -> None:
    seen = _run("printf 'one\\r\\n\\ntwo'; echo three >&2; exit 4")
    assert (list(seen.last), seen.ended, seen.status) == (["one", "twothree"], True, 4)


def test_only_the_last_lines_are_kept() -> None:
    seen = _run("seq 1 5000")
    assert list(seen.last) == [str(n) for n in range(5001 - console.LAST_LINES, 5001)]


def test_a_line_may_arrive_in_pieces_and_hold_rubbish() -> None:
    seen = console.Console()
    for piece in (b"\x1b[2J\x07Kernel pa", b"nic - not syncing: why", b"\xff\n", b"rest"):
        seen.take(piece)
    seen.finish()
    assert list(seen.last)[-1] == "rest"
    assert (seen.cause or "").startswith("Kernel panic - not syncing: why")


def test_the_first_panic_and_the_first_reason_count() -> None:
    seen = console.Console()
    for word in ("a", "b"):
        seen.take(f"[ 1.0] Kernel panic - not syncing: {word}\n".encode())
        seen.take(f"xenperf-boot: {word}; do it\n".encode())
    assert (seen.cause, seen.told) == ("Kernel panic - not syncing: a", "a; do it")


def test_a_death_is_told_by_its_first_cause_and_place() -> None:
    seen = console.Console()
    for line in ("RIP: 0010:earlier", "Oops: int3: 0000 [#1] SMP", "RIP: 0010:step+0x1/0x2 x"):
        seen.take(f"[    1.0] {line}\n".encode())
    seen.take(b"RIP: 0010:later\n[    1.1] Kernel panic - not syncing: Fatal exception\n")
    assert (seen.cause, seen.place) == ("Oops: int3: 0000 [#1] SMP", "RIP: 0010:step+0x1/0x2")


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    seen = _run("head -c 1000000 /dev/zero | tr '\\0' x")
    assert max(map(len, seen.last)) < 100_000


def test_when_time_is_up_the_whole_session_is_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    start = time.monotonic()
    seen = _run(f"sleep 99 & echo $! >{pids}; echo $$ >>{pids}; echo hanging; wait", seconds=0.5)
    assert time.monotonic() - start < SOON_S
    assert (seen.ended, list(seen.last)) == (False, ["hanging"])
    deadline = time.monotonic() + SOON_S
    while any(map(_is_running, map(int, pids.read_text().split()))):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    "script",
    [
        "echo booting; sleep 99",
        r"printf '\005'; sleep 99",
        r"printf '\005'; while sleep 0.1; do echo 'rcu: CPU 1 stalls'; done",
    ],
)
def test_what_was_alive_and_is_no_longer_is_killed_before_time_is_up(script: str) -> None:
    start = time.monotonic()
    seen = _run(script, longest_silence_s=0.5)
    assert 0.5 <= time.monotonic() - start < SOON_S
    assert (seen.ended, seen.silent_s) == (False, 0.5)


@pytest.mark.parametrize(
    "script",
    [
        "sleep 1.5; exit 4",  # without a console; its answer comes another way
        "for i in 1 2 3 4 5 6; do echo $i; sleep 0.25; done; exit 4",
        r"for i in 1 2 3 4 5 6; do printf '\005'; sleep 0.25; done; exit 4",
    ],
)
def test_what_gives_signs_of_life_or_never_gave_any_may_go_on(script: str) -> None:
    seen = _run(script, longest_silence_s=1.0)
    assert (seen.ended, seen.silent_s, seen.status) == (True, None, 4)


def test_when_time_is_up_silence_is_not_to_blame() -> None:
    seen = _run("echo booting; sleep 99", seconds=0.5, longest_silence_s=SOON_S)
    assert (seen.ended, seen.silent_s) == (False, None)


def test_a_beat_within_a_line_is_no_part_of_it() -> None:
    seen = _run(r"printf '\005Kernel panic - \005not syncing: why\005\n\005'; exit 4")
    assert (list(seen.last), seen.cause) == (
        ["Kernel panic - not syncing: why"],
        "Kernel panic - not syncing: why",
    )


def test_it_does_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        "import time; from xenperf.live import console; "
        f"console.run(['/bin/sh', '-c', 'echo $$ >{pid_file}.new; mv {pid_file}.new {pid_file}; "
        "exec sleep 99'], time.monotonic() + 99)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        deadline = time.monotonic() + SOON_S
        while not pid_file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        parent.kill()
    pid = int(pid_file.read_text())
    while _is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_cannot_be_started_is_told_with_the_reason(tmp_path: Path) -> None:
    broken = tmp_path / "qemu"
    broken.write_bytes(b"\x7fELF rubbish")
    broken.chmod(0o755)
    with pytest.raises(UnavailableError, match="cannot be started"):
        console.run([str(broken)], time.monotonic() + SOON_S)
