import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xenperf.backends import backend
from xenperf.cli import cases
from xenperf.hypervisor import Activation, Hypervisor
from xenperf.record.answers import checked
from xenperf.scenarios.cases.case import Case

Invoke = Callable[..., Any]


def test_all_right_is_0(invoke: Invoke) -> None:
    found = invoke("cases", "--only", "send.2*")
    assert (found.code, found.err) == (0, "")
    assert found.out.splitlines()[-1].endswith(" right, 0 wrong, 0 skipped")
    assert max(map(len, found.out.splitlines())) <= 100


def test_a_wrong_one_is_1(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def observe(case: Case, host: Hypervisor, activation: Activation) -> str:
        return "nonsense"

    monkeypatch.setattr(cases, "observe", observe)
    found = invoke("cases", "--only", "send.20_fresh")
    assert found.code == 1
    assert found.out.splitlines()[-1] == "0 right, 2 wrong, 0 skipped"
    assert "WRONG" in found.out


def test_json_is_one_object(invoke: Invoke) -> None:
    found = invoke("cases", "--only", "send.20_fresh", "--only", "notifier.8*", "--format", "json")
    content = json.loads(found.out)
    assert (content["schema"], content["kind"]) == ("xenperf/1", "cases")
    assert content["backend"] == "model"
    assert content["environment"]["python"]
    by_gpa, by_hva = content["cases"]
    assert (by_gpa["activation"], by_hva["activation"]) == ("gpa", "hva")
    assert by_gpa["id"] == "send.20_fresh"
    assert by_gpa["kernel"] == "gpa-hva"
    assert by_gpa["expected"] == by_gpa["observed"] == "OK 66 sel=0x2 up=1"
    assert by_gpa["ok"] is True
    assert [case["id"] for case in content["skipped"]] == [
        "notifier.81_after_walk",
        "notifier.82_unrelated_range",
    ]


@pytest.mark.parametrize(("chosen", "shown"), [("gpa", ["gpa"]), ("hva", ["hva"])])
def test_one_activation_alone(invoke: Invoke, chosen: str, shown: list[str]) -> None:
    found = invoke("cases", "--only", "send.20*", "--activation", chosen, "--format", "tsv")
    rows = [line.split("\t") for line in found.out.splitlines()]
    assert [row[2] for row in rows] == shown
    assert {row[-1] for row in rows} == {"ok"}


def test_an_unknown_name_is_one_line(invoke: Invoke) -> None:
    found = invoke("cases", "--only", "fly.*")
    assert (found.code, found.out) == (2, "")
    assert found.err == "xenperf: case fly.*: no such name; xenperf cases shows them all\n"


def test_what_is_about_the_other_activation_only_is_misuse(invoke: Invoke) -> None:
    found = invoke("cases", "--only", "attr.10_off", "--activation", "gpa")
    assert (found.code, found.out) == (2, "")
    assert found.err == "xenperf: cases: none of them is about that; choose others\n"


def test_nothing_but_skipped_ones_is_2_and_says_why(invoke: Invoke) -> None:
    found = invoke("cases", "--only", "process.*")
    assert found.code == 2
    assert "process.78_forked" in found.out
    assert found.out.splitlines()[-1] == "0 right, 0 wrong, 1 skipped"


def test_a_back_end_that_is_not_there_is_3(invoke: Invoke) -> None:
    found = invoke("cases", "--backend", "live", "--only", "send.20_fresh")
    assert (found.code, found.out) == (3, "")
    assert found.err.startswith("xenperf: backend live: ")


def test_the_older_kernel_is_played_by_gpa(invoke: Invoke) -> None:
    found = invoke("cases", "--only", "shadow.29*", "--kernel", "all", "--format", "tsv")
    rows = [line.split("\t") for line in found.out.splitlines()]
    assert [(row[1], row[2]) for row in rows] == [
        ("gpa-only", "gpa"),
        ("gpa-hva", "gpa"),
        ("gpa-hva", "hva"),
        ("atomic", "gpa"),
        ("atomic", "hva"),
    ]
    assert found.code == 0
    assert rows[0][5] == "EINVAL none sel=0x0 up=0"


@pytest.mark.parametrize(
    ("release", "code", "basis"), [("6.12.38-x", 1, "before v6.12.39"), ("6.12.39-x", 0, "usual")]
)
def test_a_real_kernel_is_judged_by_what_its_release_does(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, release: str, code: int, basis: str
) -> None:
    model = backend("model")
    monkeypatch.setattr(cases, "backend", lambda name: model)  # it answers as the newer one
    monkeypatch.setattr(platform, "release", lambda: release)
    monkeypatch.setattr(platform, "version", lambda: "#1 SMP")
    chosen = ("cases", "--backend", "live", "--only", "irqfd.79*", "--format", "json")
    found = invoke(*chosen)
    content = json.loads(found.out)
    assert found.code == code
    assert [case["basis"] for case in content["cases"]] == [basis, basis]
    assert {case["observed"] for case in content["cases"]} == {"OK none"}


def test_a_kernel_is_chosen_for_the_model_only(invoke: Invoke) -> None:
    found = invoke("cases", "--backend", "live", "--kernel", "gpa-only")
    assert (found.code, found.out) == (2, "")
    assert found.err == "xenperf: backend live: no kernel can be chosen; use --backend model\n"


def test_what_one_kernel_could_be_asked_is_not_skipped(invoke: Invoke) -> None:
    alone = json.loads(invoke("cases", "--only", "window.170*", "--format", "json").out)
    assert alone["skipped"] == [
        {"id": "window.170_at_once", "reason": "model does not offer atomic_slots"}
    ]
    found = invoke("cases", "--only", "window.170*", "--kernel", "all", "--format", "json")
    content = json.loads(found.out)
    assert [case["kernel"] for case in content["cases"]] == ["atomic", "atomic"]
    assert (found.code, content["skipped"]) == (0, [])


def test_a_file_gets_the_form_of_its_suffix(invoke: Invoke, tmp_path: Path) -> None:
    paths = {suffix: tmp_path / f"cases.{suffix}" for suffix in ("json", "tsv", "txt")}
    for path in paths.values():
        found = invoke("cases", "--only", "send.20_fresh", "-o", str(path))
        assert (found.code, found.out) == (0, "")
        assert found.err == f"{path}: written; 2 right, 0 wrong, 0 skipped\n"
    content = json.loads(paths["json"].read_text())
    assert checked(content, "cases.json")["backend"] == "model"
    assert paths["tsv"].read_text().count("\n") == 2
    assert paths["txt"].read_text().startswith("starts\n")


def test_a_file_that_cannot_be_written_is_refused_before_any_case(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "play", None)  # it must not come to that
    for path, named in ((tmp_path / "none" / "c.json", "no such file"), ("", "the name is empty")):
        found = invoke("cases", "-o", str(path))
        assert (found.code, found.out) == (2, "")
        assert named in found.err
        assert found.err.count("\n") == 1
