"""``xenperf report --agreement``: files found by what they hold, refused in one line."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli import canned
from tests.record.test_answers import CASES, LOAD
from xenperf.measure import session

Invoke = Callable[..., Any]
KERNEL = "6.12.95-planted"
NAMES = ("m", "l", "mc", "lc", "ll")


def changed(content: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a copy of *content* that was recorded on another back end, or has other values."""
    made: dict[str, Any] = json.loads(json.dumps({**content, **changes}))
    made["environment"]["kernel"] = KERNEL if made["backend"] == "live" else "6.18"
    if "raw" in made:
        made["raw"]["plan"]["backend"] = made["backend"]
    return made


@pytest.fixture
def files(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return a run and cases of either back end, and a load, by short names."""
    monkeypatch.setattr(session, "messages", canned.messages)
    paths = {name: tmp_path / f"{name}.json" for name in NAMES}
    run = ("run", "--only", "send.*", "--rounds", "4", "--seed", "1", "-o", str(paths["m"]))
    assert invoke(*run).code == 0
    run_content = json.loads(paths["m"].read_text())
    right = [{**case, "observed": "OK", "ok": True} for case in CASES["cases"]]
    contents = {
        "l": changed(run_content, backend="live"),
        "mc": changed(CASES, backend="model", cases=right),
        "lc": changed(CASES, backend="live", cases=right),
        "ll": changed(LOAD, backend="live"),
    }
    for name, content in contents.items():
        paths[name].write_text(json.dumps(content))
    return {name: str(path) for name, path in paths.items()}


def rewrite(path: str, **changes: Any) -> None:
    """Put other values into the file at *path*."""
    content = json.loads(Path(path).read_text())
    Path(path).write_text(json.dumps({**content, **changes}))


def test_the_order_of_the_files_does_not_matter(files: dict[str, str], invoke: Invoke) -> None:
    names = [files[name] for name in NAMES]
    found = [
        json.loads(invoke("report", "--agreement", *order, "--format", "json").out)
        for order in (names, names[::-1])
    ]
    for content in found:
        assert (content["kind"], content["schema"]) == ("agreement", "xenperf/1")
        assert len(content["cases"]) == 2
        assert {cost["benchmark"] for cost in content["costs"]} >= {"send.delivered"}
        assert content["environments"]["live"]["kernel"] == KERNEL
        del content["files"], content["command"]
    assert found[0] == found[1]


def test_one_kind_alone_will_do(files: dict[str, str], invoke: Invoke) -> None:
    found = invoke("report", "--agreement", files["mc"], files["lc"])
    assert (found.code, found.err) == (0, "")
    assert "cases      2 of 2 agree\nopen       0 open questions\n" in found.out


def test_a_load_needs_the_run_of_the_model_alone(files: dict[str, str], invoke: Invoke) -> None:
    found = invoke("report", "--agreement", files["ll"], files["m"])
    assert (found.code, found.err) == (0, "")
    assert "load       0 of 2 agree; 2 of which the model's file says nothing\n" in found.out


def test_an_open_question_is_1(files: dict[str, str], invoke: Invoke) -> None:
    rewrite(files["lc"], cases=CASES["cases"])
    found = invoke("report", "--agreement", files["lc"], files["mc"])
    assert found.code == 1
    assert "- send.20_fresh by hva: model OK, live EFAULT\n" in found.out


@pytest.mark.parametrize(
    ("form", "begin"),
    [("md", "### xenperf"), ("mail", "xenperf report"), ("html", "<!DOCTYPE"), ("json", "{")],
)
def test_each_form_can_be_written(
    form: str, begin: str, files: dict[str, str], invoke: Invoke, tmp_path: Path
) -> None:
    path = tmp_path / f"agreement.{form}"
    found = invoke("report", "--agreement", files["mc"], files["lc"], "-o", str(path))
    assert found.out == ""
    assert found.err == f"{path}: written; cases: 2 of 2 agree; open: 0 open questions\n"
    assert path.read_text().startswith(begin)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("m", "m"), "m.json: both are run of model; give one file of each back end"),
        (("lc", "mc", "lc"), "lc.json: both are cases of live; give one file of each back end"),
        (("m",), "m.json: run of model, but no run of live beside it; add one, of xenperf run"),
        (("lc",), "lc.json: cases of live, but no cases of model beside it; add one, of xenperf c"),
        (("ll",), "ll.json: load of live, but no run of model beside it; add one, of xenperf run"),
        (("mc", "lc", "none"), "none.json: cannot read: no such file or directory"),
    ],
)
def test_what_cannot_be_laid_side_by_side_is_one_line(
    names: tuple[str, ...], said: str, files: dict[str, str], invoke: Invoke, tmp_path: Path
) -> None:
    paths = [files.get(name, str(tmp_path / f"{name}.json")) for name in names]
    found = invoke("report", "--agreement", *paths)
    assert (found.code, found.out) == (2, "")
    assert said in found.err
    assert found.err.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "probe"}, "not a file of run, cases or load; record one with -o FILE.json"),
        ({"kind": ["cases"]}, "not a file of run, cases or load"),
        ({"schema": "other"}, "not a file of run, cases or load"),
        ({"schema": "xenperf/0"}, "schema: not one of xenperf/1"),
        ({"cases": {}}, "cannot read: cases: not a list"),
        ({"environment": {"kernel": "7.2"}}, "live files: of several kernels: "),
        ({"cases": []}, "files: the two back ends were asked nothing in common; ask both all"),
    ],
)
def test_a_file_that_is_wrong_is_one_line(
    changes: dict[str, Any], said: str, files: dict[str, str], invoke: Invoke
) -> None:
    rewrite(files["lc"], **changes)
    others = ("m", "l") if "environment" in changes else ()
    paths = [files[name] for name in ("mc", "lc", *others)]
    found = invoke("report", "--agreement", *paths)
    assert (found.code, found.out) == (2, "")
    assert said in found.err
    assert found.err.count("\n") == 1


def test_a_load_of_the_model_is_refused(files: dict[str, str], invoke: Invoke) -> None:
    rewrite(files["ll"], backend="model")
    found = invoke("report", "--agreement", files["ll"], files["m"], files["l"])
    assert found.code == 2
    assert "load of the model, which takes requests from one thread at a time" in found.err


def test_a_run_that_was_cut_short_is_not_to_be_trusted(
    files: dict[str, str], invoke: Invoke
) -> None:
    rewrite(files["l"], cut_short="interrupted")
    found = invoke("report", "--agreement", files["m"], files["l"])
    assert found.code == 3
    assert "- live: interrupted: " in found.out


def test_two_files_without_the_option_are_misuse(files: dict[str, str], invoke: Invoke) -> None:
    found = invoke("report", files["m"], files["l"])
    assert (found.code, found.out) == (2, "")
    assert "one file is shown at a time; use xenperf compare, or give --agreement" in found.err


def test_rendering_imports_neither_numba_nor_click() -> None:
    code = (
        "import sys, xenperf.report.agreement.build; "
        "from xenperf.report.agreement import html, json_, mail, markdown, text; "
        "print([name for name in ('numba', 'numpy', 'click') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
