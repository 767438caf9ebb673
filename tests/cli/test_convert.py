"""``xenperf convert``: what does not belong among asv's results is refused."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import canned
from xenperf.measure import session
from xenperf.measure.plan import Plan

Invoke = Callable[..., Any]


@pytest.fixture
def path(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def messages(plan: Plan) -> Iterator[dict[str, Any]]:
        yield from canned.messages(plan)

    monkeypatch.setattr(session, "messages", messages)
    found = tmp_path / "r.json"
    assert invoke("run", "--only", "gpc.check", "--quick", "-o", str(found)).code == 0
    return found


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"commit": "0123456789ab-dirty"}, "no commit says what was measured"),
        ({"commit": None}, "no commit says what was measured"),
        ({"commit": "0" * 12}, "revision 000000000000: there is no such commit"),
    ],
)
def test_what_no_commit_says_is_refused(
    change: dict[str, Any], named: str, path: Path, invoke: Invoke, tmp_path: Path
) -> None:
    content = json.loads(path.read_text())
    content["environment"].update(change)
    path.write_text(json.dumps(content))
    repository = str(Path(__file__).parents[2])
    found = invoke("convert", str(path), str(tmp_path / "results"), "--repo", repository)
    assert (found.code, found.out) == (2, "")
    assert named in found.err
    assert not (tmp_path / "results").exists()


def test_files_of_several_revisions_are_refused(path: Path, invoke: Invoke, tmp_path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "kind": "series"}))
    found = invoke("convert", str(path), str(tmp_path / "results"))
    assert (found.code, found.out) == (2, "")
    assert "a series has several revisions, asv's files have one each" in found.err


def test_counts_of_instructions_are_no_times(path: Path, invoke: Invoke, tmp_path: Path) -> None:
    content = json.loads(path.read_text())
    content["raw"]["plan"]["counts"] = True
    path.write_text(json.dumps(content))
    found = invoke("convert", str(path), str(tmp_path / "results"))
    assert (found.code, found.out) == (2, "")
    assert "it counted instructions, and asv would take them for seconds" in found.err


def test_a_file_from_before_plans_could_count_is_read(path: Path, invoke: Invoke) -> None:
    content = json.loads(path.read_text())
    del content["raw"]["plan"]["counts"]
    path.write_text(json.dumps(content))
    assert invoke("report", str(path)).code == 0
