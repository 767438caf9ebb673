"""Revisions of this package's git repository, exported so that workers can load them."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xenperf.digest import cache_root
from xenperf.errors import UsageError, XenperfError

PACKAGE: Final = "xenperf"
GIT_TIMEOUT_S: Final = 60
SUBJECT_LENGTH: Final = 72
KEPT_TREES: Final = 32  # about a megabyte each
_IS_COMMIT: Final = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit: what was asked for, and what it is."""

    name: str
    """As the user wrote it: ``HEAD~1``, a tag, a hash."""

    commit: str
    """All 40 digits."""

    subject: str

    @property
    def short(self) -> str:
        """The first 12 digits."""
        return self.commit[:12]

    @property
    def described(self) -> str:
        """The short hash and the subject."""
        return f"{self.short} {self.subject}".rstrip()


def revision(repository: Path, name: str) -> Revision:
    """Return the commit that *name* means; ``UsageError`` if there is none."""
    _check_repository(repository)
    found = _git(
        repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )
    if found is None:
        raise UsageError(f"revision {name}", "there is no such commit", "git log shows them")
    commit = found.decode().strip()
    subject = _git(repository, "show", "--no-patch", "--format=%s", commit) or b""
    return Revision(name, commit, _printable(subject.decode("utf-8", "replace")))


def revisions(repository: Path, name_range: str) -> list[Revision]:
    """Return the commits of ``BASE..HEAD``, the base first; ``UsageError`` if there are none."""
    base, separator, head = name_range.partition("..")
    if not separator or head.startswith("."):
        raise UsageError(f"range {name_range}", "not BASE..HEAD", "give two revisions")
    first, last = revision(repository, base or "HEAD"), revision(repository, head or "HEAD")
    listed = _git(
        repository, "rev-list", "--reverse", "--first-parent", f"{first.commit}..{last.commit}"
    )
    commits = (listed or b"").decode().split()
    if not commits:
        raise UsageError(f"range {name_range}", "holds no commit", "put the older revision first")
    return [first, *(revision(repository, commit) for commit in commits)]


def subjects(repository: Path, commits: Sequence[str]) -> dict[str, str]:
    """Return the subjects of *commits*, parents first; empty if the repository lacks one of them.

    commits
        Full hashes.
    """
    if not commits or shutil.which("git") is None:
        return {}
    wanted = set(commits)
    known = _subjects(repository, "--no-walk", *commits)  # asked first: a walk may be a long one
    if not wanted <= known.keys():
        return {}
    walked = _subjects(repository, "--topo-order", "--reverse", *commits)
    return {commit: subject for commit, subject in walked.items() if commit in wanted}


def _subjects(repository: Path, *words: str) -> dict[str, str]:
    listed = _git(repository, "log", "--ignore-missing", "--format=%H%x09%s", *words, "--") or b""
    lines = [line.partition("\t") for line in listed.decode("utf-8", "replace").split("\n")]
    return {commit: _printable(subject) for commit, tab, subject in lines if tab}


def committed_at(repository: Path, wanted: Revision) -> int:
    """Return when a commit was made, in seconds since 1970."""
    shown = _git(repository, "show", "--no-patch", "--format=%ct", wanted.commit)
    return int((shown or b"0").split()[-1])


def has_changes(repository: Path) -> bool:
    """Tell whether the checkout differs from its commit, so that no revision says what it is."""
    return bool(_git(repository, "status", "--porcelain", "--untracked-files=no"))


def exported(repository: Path, wanted: list[Revision]) -> dict[str, Path]:
    """Return the package folder of each commit, by its hash.

    They stay in the cache, for compiled code is found again by the path of its source only; those
    used last are kept. ``UsageError`` for a commit without the package, ``XenperfError`` where git
    or the disk fails.
    """
    trees = _trees()
    found = {one.commit: _export(repository, one, trees) for one in wanted}
    _forget_oldest(trees, keep=set(found))
    return found


def is_exported(tree: Path) -> bool:
    """Tell whether *tree* is a package folder that ``exported`` made and that is still there."""
    is_named_so = tree.name == PACKAGE and _IS_COMMIT.fullmatch(tree.parent.name) is not None
    return is_named_so and tree.parent.parent == _trees() and tree.is_dir()


def _trees() -> Path:
    """Return the folder of all exported revisions."""
    return (cache_root() or Path(tempfile.gettempdir()) / "xenperf") / "trees"


def _export(repository: Path, wanted: Revision, trees: Path) -> Path:
    """Unpack the package of one commit below *trees*, whole or not at all; return where it is."""
    thing = f"revision {wanted.name}"
    folder = trees / wanted.commit
    if (folder / PACKAGE).is_dir():
        os.utime(folder)
        return folder / PACKAGE
    packed = _git(repository, "archive", "--format=tar", wanted.commit, "--", PACKAGE)
    if packed is None:
        raise UsageError(thing, f"has no folder {PACKAGE}", "choose a later commit")
    temporary = None
    try:
        trees.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".export-", dir=trees))
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(temporary, filter="data")
        with contextlib.suppress(FileExistsError):  # another process was faster
            temporary.rename(folder)
    except (OSError, tarfile.TarError) as error:
        if not (folder / PACKAGE).is_dir():
            reason = f"cannot be unpacked below {trees}: {error}"
            raise XenperfError(thing, reason, "free some space or set XENPERF_CACHE_DIR") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder / PACKAGE


def _forget_oldest(trees: Path, keep: set[str]) -> None:
    """Remove all but the trees used last, so that a history of commits does not fill the disk."""
    others = [entry for entry in trees.iterdir() if _IS_COMMIT.fullmatch(entry.name)]
    others = [entry for entry in others if entry.name not in keep]
    others.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    for entry in others[max(0, KEPT_TREES - len(keep)) :]:
        shutil.rmtree(entry, ignore_errors=True)


def _check_repository(repository: Path) -> None:
    if shutil.which("git") is None:
        raise XenperfError("git", "not found", "install git to compare revisions")
    if _git(repository, "rev-parse", "--git-dir") is None:
        raise UsageError(
            str(repository), "no git repository", "run in a checkout of xenperf or give --repo"
        )


def _git(repository: Path, *words: str) -> bytes | None:
    """Return what git answers; None if it fails. ``XenperfError`` if it does not answer."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), *words],
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise XenperfError(
            "git", f"gives no answer: {error}", "is the repository sound?"
        ) from error
    return done.stdout if done.returncode == 0 else None


def _printable(subject: str) -> str:
    """Return *subject* on one line that a terminal can show, cut where it is very long."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(subject.split()))
    return line if len(line) <= SUBJECT_LENGTH else f"{line[: SUBJECT_LENGTH - 3]}..."
