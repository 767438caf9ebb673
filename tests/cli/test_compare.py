"""``xenperf compare``: two revisions of a repository made for the purpose."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import xenperf
from xenperf.cli import compare
from xenperf.cli.compare import DIRTY, Sources, job_of
from xenperf.cli.request import Request
from xenperf.errors import MeasurementError
from xenperf.measure.revisions import revision

Invoke = Callable[..., Any]
SMALL = ("--workers", "1", "--rounds", "2")


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is, then without one benchmark, then one that cannot be imported."""
    folder = tmp_path_factory.mktemp("repository")
    source = Path(xenperf.__file__).parent
    shutil.copytree(source, folder / "xenperf", ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Begin")
    hot_paths = folder / "xenperf" / "scenarios" / "hot_paths.py"
    text = hot_paths.read_text()
    assert text.count('"gpc.refresh_valid"') == 1
    hot_paths.write_text(text.replace('"gpc.refresh_valid"', '"gpc.refresh_nothing"'))
    git(folder, "commit", "-am", "Rename a benchmark")
    hot_paths.write_text("import no_such_module\n")
    git(folder, "commit", "-am", "Break it")
    return folder


@pytest.fixture(autouse=True)
def interpreted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is measured here is the way, not the time: nothing needs compiling."""
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    monkeypatch.setenv("XENPERF_CACHE_DIR", str(tmp_path / "cache"))


def run(invoke: Invoke, repository: Path, *words: str) -> Any:
    return invoke("compare", *words, "--repo", str(repository), *SMALL, "--format", "json")


@pytest.mark.parametrize("apart", [(), ("--apart",)])
def test_what_only_one_revision_has_is_new_or_gone(
    apart: tuple[str, ...], repository: Path, invoke: Invoke
) -> None:
    only = ("--only", "gpc.refresh_*l*d", "--only", "gpc.refresh_nothing")
    found = run(invoke, repository, "HEAD~2", "HEAD~1", *only, *apart)
    content = json.loads(found.out)
    verdicts = {
        (row["benchmark"], row["variant"]): row["verdict"]
        for row in content["rows"]
        if not row["control"]
    }
    assert verdicts["gpc.refresh_nothing", "gpa"] == "new"
    assert verdicts["gpc.refresh_valid", "hva"] == "gone"
    assert verdicts["gpc.refresh_invalid", "gpa"] not in ("new", "gone", "invalid")
    assert content["kind"] == "compare"
    assert content["grade"] == ("B" if apart else "A")
    assert content["about"]["head"].endswith(" Rename a benchmark")


def test_the_base_is_compared_with_itself_as_a_check(repository: Path, invoke: Invoke) -> None:
    content = json.loads(run(invoke, repository, "HEAD~2", "HEAD~1", "--only", "gpc.check").out)
    rows = [(row["sides"], row["control"]) for row in content["rows"]]
    assert rows == [
        (["base", "head"], False),
        (["base", "head"], False),
        (["base", "base again"], True),
    ]
    assert all(row["base"] > 0 for row in content["rows"])


def test_a_revision_can_be_compared_with_itself(repository: Path) -> None:
    same = [revision(repository, "HEAD~2")] * 2
    job = job_of(Request(only=("gpc.check",)), same, Sources(repository))
    builds = [side.build for side in job.plan.comparisons[0].sides]
    assert builds[0] != builds[1]


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (("HEAD~2", "no-such"), "revision no-such: there is no such commit"),
        (("HEAD~2", "HEAD"), "cannot be loaded: ModuleNotFoundError: No module named 'no_such"),
    ],
)
def test_a_revision_that_is_none_or_is_broken_is_named(
    names: tuple[str, str], named: str, repository: Path, invoke: Invoke
) -> None:
    found = run(invoke, repository, *names)
    assert (found.code, found.out) == (2, "")
    assert named in found.err
    assert found.err.count("\n") == 1


def test_a_glob_that_no_revision_knows_is_refused(repository: Path, invoke: Invoke) -> None:
    found = run(invoke, repository, "HEAD~2", "HEAD~1", "--only", "no.such")
    assert found.code == 2
    assert "benchmark no.such: no such name" in found.err


def test_uncommitted_changes_are_told_of(repository: Path) -> None:
    path = repository / "xenperf" / "__init__.py"
    before = path.read_text()
    two = [revision(repository, "HEAD~2"), revision(repository, "HEAD~1")]
    path.write_text(before + "# more\n")
    try:
        assert job_of(Request(), two, Sources(repository)).remarks == (DIRTY,)
    finally:
        path.write_text(before)
    assert job_of(Request(), two, Sources(repository)).remarks == ()


def test_revisions_that_cannot_share_a_process_get_their_own(
    repository: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bool] = []

    def carry_out(job: Any, *_: object) -> int:
        tried.append(job.plan.apart)
        if not job.plan.apart:
            raise MeasurementError("worker ended with 1", "ImportError: two of a kind")
        return 0

    monkeypatch.setattr(compare, "carry_out", carry_out)
    found = run(invoke, repository, "HEAD~2", "HEAD~1")
    assert (found.code, tried) == (0, [False, True])
    assert "cannot share a process" in found.err
