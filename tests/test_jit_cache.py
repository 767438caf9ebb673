"""Compiled code is kept across processes, and never used for sources other than its own.

Each step is a process of its own over a small package that holds the real digest and jit modules.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import xenperf
from xenperf.jit import INTERPRETED

pytestmark = pytest.mark.skipif(INTERPRETED, reason="nothing is compiled: NUMBA_DISABLE_JIT is set")

CALLEE = """
import numpy as np
from xenperf.jit import op
ADDED = np.uint64({added})
@op
def step(word):
    return word + ADDED
"""
ENTRY = """
from xenperf.callee import step
from xenperf.jit import kernel
@kernel
def first(word):
    return step(word)
@kernel
def second(word):
    return step(step(word))
@kernel
def third(word):
    return step(step(step(word)))
@kernel
def fourth(word):
    return step(step(step(step(word))))
"""
CALL = "entry.first(1)"
REPORT = """
def total(counts):
    return sum(counts.values())
def told(kernel):
    stats = kernel.entry.stats
    return [kernel(1), total(stats.cache_hits), total(stats.cache_misses), kernel.nr_signatures]
import json
print(json.dumps({"cache": str(jit.CACHE_DIR), "first": told(entry.first),
    "all": [told(kernel) for kernel in jit.registry.values() if kernel.is_compiled]}))
"""
HIT, MISS = [1, 0, 1], [0, 1, 1]


@dataclass
class Package:
    """A small package on disk, a cache of its own, and the processes that run it."""

    site: Path
    cache: Path
    env: dict[str, str] = field(default_factory=dict)

    def write(self, added: int) -> None:
        folder = self.site / "xenperf"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("__init__.py", "switches.py", "digest.py", "shares.py", "jit.py"):
            shutil.copy(Path(xenperf.__file__).parent / name, folder / name)
        self.edit(added)
        (folder / "entry.py").write_text(ENTRY)

    def edit(self, added: int) -> None:
        (self.site / "xenperf" / "callee.py").write_text(CALLEE.format(added=added))

    def start(self, script: str = CALL, **env: str) -> "subprocess.Popen[str]":
        settings = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "XDG_"))}
        settings |= {"PYTHONPATH": str(self.site), "XENPERF_CACHE_DIR": str(self.cache), **env}
        source = f"from xenperf import jit, entry\n{script}\n{REPORT}"
        command = [sys.executable, "-c", source]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=settings, cwd=self.site, text=True, stdout=pipe, stderr=pipe
        )

    def run(self, script: str = CALL, **env: str) -> dict[str, Any]:
        return finish(self.start(script, **env))

    def machine_code_files(self) -> list[Path]:
        return sorted(self.site.rglob("*.nb[ic]"))


def finish(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


@pytest.fixture
def package(tmp_path: Path) -> Package:
    made = Package(tmp_path / "site", tmp_path / "cache")
    made.write(added=10)
    return made


def test_a_callee_changed_in_another_file_is_compiled_anew(package: Package) -> None:
    assert package.run()["first"] == [11, *MISS]
    assert package.run()["first"] == [11, *HIT]
    package.edit(added=1000)
    assert package.run()["first"] == [1001, *MISS]
    package.edit(added=10)
    assert package.run()["first"] == [11, *HIT]


def test_a_replaced_package_does_not_run_what_the_old_one_left_behind(package: Package) -> None:
    in_tree = "import numba, numpy; numba.njit(cache=True)(entry.first.func)(numpy.uint64(1))"
    package.run(in_tree)
    assert package.machine_code_files(), "the trap: Numba's own cache beside the sources"
    for source in (package.site / "xenperf").glob("*.py"):
        source.unlink()
    package.write(added=1000)
    assert package.machine_code_files()
    assert package.run()["first"] == [1001, *MISS]


def test_a_setting_of_the_compiler_has_its_own_entry(package: Package) -> None:
    plain = package.run()
    checked = package.run(NUMBA_BOUNDSCHECK="1")
    assert checked["first"] == [11, *MISS]
    assert checked["cache"] != plain["cache"]


def test_a_read_only_install_is_cached_and_left_alone(package: Package) -> None:
    folder = package.site / "xenperf"
    for path in (*folder.iterdir(), folder):
        path.chmod(path.stat().st_mode & ~0o222)
    before = sorted(folder.rglob("*"))
    quiet = {"PYTHONDONTWRITEBYTECODE": "1"}
    assert package.run(**quiet)["first"] == [11, *MISS]
    assert package.run(**quiet)["first"] == [11, *HIT]
    assert sorted(folder.rglob("*")) == before
    folder.chmod(0o755)


def test_without_a_home_it_works_without_a_cache(package: Package) -> None:
    (package.site / "sitecustomize.py").write_text(
        "import pathlib\n"
        "def no_home(*_):\n    raise RuntimeError('Could not determine home directory.')\n"
        "pathlib.Path.home = no_home\n"
    )
    told = package.run("import os\nos.environ.pop('HOME', None)", XENPERF_CACHE_DIR="", HOME="")
    assert told["cache"] == "None"
    assert told["first"] == [11, *MISS]
    assert package.machine_code_files() == []


def test_with_an_unwritable_cache_it_works_without_one(package: Package) -> None:
    package.cache.write_text("a file where the folder should be")
    told = package.run()
    assert told["cache"] == "None"
    assert told["first"] == [11, *MISS]
    assert package.machine_code_files() == []


BROKEN = {
    "replaced by a file": "shutil.rmtree(jit.CACHE_DIR)\njit.CACHE_DIR.write_text('')",
    "emptied": "[path.write_bytes(b'') for path in jit.CACHE_DIR.rglob('*.nb?')]",
    "damaged": "[path.write_bytes(bytes(64)) for path in jit.CACHE_DIR.rglob('*.nb?')]",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_cache_that_breaks_later_costs_its_use_only(package: Package, how: str) -> None:
    again = "entry.first._entry = None"
    told = package.run(f"{CALL}\nimport shutil\n{BROKEN[how]}\n{again}")
    assert told["first"] == [11, *MISS]
    assert package.machine_code_files() == []


def test_a_cache_removed_meanwhile_is_made_anew(package: Package) -> None:
    script = f"import shutil\nshutil.rmtree(jit.CACHE_DIR)\n{CALL}\nentry.first._entry = None"
    assert package.run(script)["first"] == [11, *HIT]


def test_two_processes_at_once_share_a_cache(package: Package) -> None:
    script = "[kernel.compile() for kernel in jit.registry.values()]"
    both = [package.start(script), package.start(script)]
    for process in both:
        told = finish(process)["all"]
        assert [value for value, *_ in told] == [11, 21, 31, 41]
        assert all(hits + misses == signatures == 1 for _, hits, misses, signatures in told)
    assert [one[1:] for one in package.run(script)["all"]] == [HIT] * 4


COMPILE_ALL = """
import os, signal
real_fork, forks = os.fork, []
def counted_fork():
    forks.append(real_fork())
    return forks[-1]
os.fork = counted_fork
os.sched_getaffinity = lambda pid: set(range({nr_cpus}))
{before}
jit.compile_all(jit.registry.values())
assert len(forks) == {nr_forks}, forks
assert all(kernel.is_compiled for kernel in jit.registry.values())
"""
NOTHING = "pass"
CHILD_DIES = "jit._compile_and_leave = lambda kernels: os.kill(os.getpid(), signal.SIGKILL)"
CHILD_FAILS = "jit.Kernel.compile, real = lambda k: real(k) if not forks or forks[-1] else 1 / 0, \
    jit.Kernel.compile"
NO_FORK = "os.fork = lambda: open('/nonexistent/for/an/oserror')"
THREAD = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"


@pytest.mark.parametrize(
    ("nr_cpus", "before", "nr_forks", "nr_hits"),
    [
        pytest.param(2, NOTHING, 1, 2, id="two processors"),
        pytest.param(1, NOTHING, 0, 0, id="one processor"),
        pytest.param(2, CHILD_DIES, 1, 0, id="the child is killed"),
        pytest.param(2, CHILD_FAILS, 1, 0, id="the child fails"),
        pytest.param(2, NO_FORK, 0, 0, id="no process to be had"),
        pytest.param(2, THREAD, 0, 0, id="another thread may hold a lock"),
        pytest.param(2, "jit.CACHE_DIR = None", 0, 0, id="no cache"),
    ],
)
def test_compile_all_leaves_nothing_uncompiled(
    package: Package, nr_cpus: int, before: str, nr_forks: int, nr_hits: int
) -> None:
    script = COMPILE_ALL.format(nr_cpus=nr_cpus, before=before, nr_forks=nr_forks)
    told = package.run(script)["all"]
    assert [(value, signatures) for value, _, _, signatures in told] == [
        (10 * place + 11, 1) for place in range(4)
    ]
    assert sum(used for _, used, *_ in told) == nr_hits, "what the child did is found in the cache"


def test_compile_all_forks_only_for_what_is_missing(package: Package) -> None:
    settings = {"nr_cpus": 2, "before": NOTHING}
    package.run(COMPILE_ALL.format(nr_forks=1, **settings))
    assert [one[1:] for one in package.run(COMPILE_ALL.format(nr_forks=0, **settings))["all"]] == [
        HIT
    ] * 4
    moved = Package(package.site.with_name("copy"), package.cache)
    shutil.copytree(package.site, moved.site)
    told = moved.run(COMPILE_ALL.format(nr_forks=1, **settings))["all"]
    assert sum(one[1] for one in told) == 2, "another copy has its own entries"
