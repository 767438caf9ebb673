"""Revisions: found, described, exported whole, and refused in one line."""

import os
import subprocess
from pathlib import Path

import pytest

from xenperf.errors import UsageError, XenperfError
from xenperf.measure import revisions
from xenperf.measure.revisions import exported, has_changes, revision


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three commits; the first without the package."""
    monkeypatch.setenv("XENPERF_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-b", "main")
    (folder / "README").write_text("nothing yet")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Begin")
    (folder / "xenperf").mkdir()
    for number, subject in enumerate(("Add a package", "Change\x1b[31m it " + "x" * 200)):
        (folder / "xenperf" / "__init__.py").write_text(f"number = {number}\n")
        git(folder, "add", ".")
        git(folder, "commit", "-m", subject)
    return folder


def test_a_revision_is_known_by_any_name_of_it(repository: Path) -> None:
    by_name = revision(repository, "HEAD~1")
    assert by_name.subject == "Add a package"
    assert revision(repository, by_name.commit[:8]).commit == by_name.commit
    assert by_name.described == f"{by_name.commit[:12]} Add a package"


def test_a_subject_is_one_short_line_without_control_characters(repository: Path) -> None:
    subject = revision(repository, "HEAD").subject
    assert subject.isprintable()
    assert len(subject) <= revisions.SUBJECT_LENGTH


@pytest.mark.parametrize("name", ["no-such", "--help", "HEAD:xenperf", "HEAD~9", ""])
def test_a_revision_that_is_none_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no such commit"):
        revision(repository, name)


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no git repository"):
        revision(tmp_path, "HEAD")


def test_a_range_is_its_base_and_every_commit_up_to_its_head(repository: Path) -> None:
    found = revisions.revisions(repository, "HEAD~2..HEAD")
    assert [one.subject for one in found][:2] == ["Begin", "Add a package"]
    assert len(found) == 3
    for wrong in ("HEAD", "HEAD...HEAD~1", "HEAD..HEAD~1"):
        with pytest.raises(UsageError, match="range"):
            revisions.revisions(repository, wrong)


def test_an_export_holds_the_sources_of_the_commit_and_is_made_once(repository: Path) -> None:
    wanted = [revision(repository, "HEAD~1"), revision(repository, "HEAD")]
    trees = exported(repository, wanted)
    texts = [(trees[one.commit] / "__init__.py").read_text() for one in wanted]
    assert texts == ["number = 0\n", "number = 1\n"]
    before = (trees[wanted[0].commit] / "__init__.py").stat().st_ino
    again = exported(repository, wanted)
    assert again == trees
    assert (again[wanted[0].commit] / "__init__.py").stat().st_ino == before


def test_a_commit_without_the_package_is_refused(repository: Path) -> None:
    with pytest.raises(UsageError, match="has no folder xenperf"):
        exported(repository, [revision(repository, "HEAD~2")])


def test_an_export_that_fails_leaves_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(revisions.tarfile.TarFile, "extractall", full)
    with pytest.raises(XenperfError, match="cannot be unpacked"):
        exported(repository, [revision(repository, "HEAD")])
    assert os.listdir(Path(os.environ["XENPERF_CACHE_DIR"]) / "trees") == []


def test_only_the_trees_used_last_are_kept(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "KEPT_TREES", 1)
    exported(repository, [revision(repository, "HEAD~1")])
    head = revision(repository, "HEAD")
    (tree,) = exported(repository, [head]).values()
    assert os.listdir(tree.parent.parent) == [head.commit]


def test_changes_that_are_in_no_commit_are_seen(repository: Path) -> None:
    assert not has_changes(repository)
    (repository / "xenperf" / "__init__.py").write_text("number = 2\n")
    assert has_changes(repository)
