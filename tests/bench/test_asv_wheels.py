"""Two wheels in turn in one environment, as asv installs commits: no stale machine code is timed.

The second wheel changes steps that compiled and cached loops in another file use. The answer and
the time of those loops must change with them. All files get one date, as an image or an archive may
give them, so that Numba's own check of dates and sizes sees nothing; the last test shows that by
taking away the digest that the cache is kept under.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import xenperf
from xenperf.jit import INTERPRETED

pytestmark = pytest.mark.skipif(INTERPRETED, reason="nothing is compiled, so nothing is stale")

PACKAGE = Path(xenperf.__file__).parent
MORE_WORK = (
    "model/locks.py",
    '    """Leave as a reader: one locked add."""\n',
    '    """Leave as a reader, twice."""\n'
    "    fetch_add_release32(lock, READER_GONE)\n    fetch_add_acquire32(lock, READER)\n",
)
OTHER_ANSWER = ("model/memslots.py", "    return load64(vm)\n", "    return vm\n")
ONE_FOLDER_FOR_ALL = ("digest.py", "return digest.hexdigest()[:16]", 'return "0" * 16')
LOOPS = """
import json, sys, time
import xenperf
from xenperf.memory import Arena
from xenperf.model.kernels.steps import loop_read_lock, loop_srcu
arena = Arena(1 << 16)
words = (arena.khva, arena.khva + (1 << 15))
loop_read_lock(*words, 1, 0, 0, 0)
times = []
for _ in range(15):
    start = time.thread_time_ns()
    loop_read_lock(*words, 1 << 16, 0, 0, 0)
    times.append(time.thread_time_ns() - start)
answer = loop_srcu(*words, 1000, 0, 0, 0)
print(json.dumps({"answer": answer, "ns": min(times), "file": xenperf.__file__}))
"""
Edit = tuple[str, str, str]


def wheel(folder: Path, *edits: Edit) -> Path:
    """Write a wheel of the running package with *edits*; no build tool is needed for that."""
    info = "xenperf-0.1.0.dist-info"
    files = {f"xenperf/{path.relative_to(PACKAGE)}": path for path in PACKAGE.rglob("*.py")}
    contents = {name: path.read_bytes() for name, path in sorted(files.items())}
    for file, before, after in edits:
        text = contents[f"xenperf/{file}"].decode()
        assert text.count(before) == 1, (file, before)
        contents[f"xenperf/{file}"] = text.replace(before, after).encode()
    contents[f"{info}/METADATA"] = b"Metadata-Version: 2.1\nName: xenperf\nVersion: 0.1.0\n"
    tag = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    contents[f"{info}/WHEEL"] = tag
    contents[f"{info}/RECORD"] = recorded(contents, f"{info}/RECORD")
    folder.mkdir()
    path = folder / "xenperf-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def recorded(contents: dict[str, bytes], own_name: str) -> bytes:
    """Return the list of files that a wheel carries."""
    lines = []
    for name, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    return "".join([*lines, f"{own_name},,\n"]).encode()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment that finds this one's dependencies behind its own packages."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    (own,) = folder.glob("lib/python*/site-packages")
    paths = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (own / "dependencies.pth").write_text("\n".join(paths))
    return folder


def installed(environment: Path, path: Path) -> None:
    """Install a wheel in place of the one before, and give all its files one date."""
    python = str(environment / "bin" / "python")
    words = ("--python", python, "install", "--quiet", "--no-deps", "--no-index")
    command = [sys.executable, "-m", "pip", *words, "--force-reinstall", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    for file in environment.glob("lib/python*/site-packages/xenperf/**/*.py"):
        os.utime(file, (1, 1))


def run(environment: Path, cache: Path) -> Any:
    """Run the loops on what is installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [environment / "bin" / "python", "-c", LOOPS],
        check=True,
        capture_output=True,
        cwd=environment,
        env={**kept, "XENPERF_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    found = json.loads(ran.stdout)
    assert Path(found["file"]).is_relative_to(environment)
    return found


def in_turn(environment: Path, tmp_path: Path, sets: Sequence[Sequence[Edit]]) -> list[Any]:
    """Install a wheel for each set of edits, one after the other, and run the loops on each."""
    found = []
    for idx, edits in enumerate(sets):
        installed(environment, wheel(tmp_path / str(idx), *edits))
        found.append(run(environment, tmp_path / "cache"))
    return found


def test_a_changed_step_changes_answer_and_time(environment: Path, tmp_path: Path) -> None:
    edits = [(), (OTHER_ANSWER, MORE_WORK), ()]
    before, changed, again = in_turn(environment, tmp_path, edits)
    assert [each["answer"] for each in (before, changed, again)] == [0, 1000, 0]
    assert changed["ns"] > 1.5 * before["ns"]
    assert again["ns"] < changed["ns"] / 1.5


def test_without_the_digest_the_old_code_would_run_on(environment: Path, tmp_path: Path) -> None:
    edits = [(ONE_FOLDER_FOR_ALL,), (ONE_FOLDER_FOR_ALL, OTHER_ANSWER)]
    before, changed = in_turn(environment, tmp_path, edits)
    assert [each["answer"] for each in (before, changed)] == [0, 0]  # 1000 would be right
