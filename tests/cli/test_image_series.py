"""``xenperf series --kernel``: order, failures, partial results, what is told, exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.fake_boots import CASE, SEND, Boots, Kernel, labels
from tests.live.fake_kernels import image_bytes, module_bytes
from xenperf.cli.exit_codes import ExitCode
from xenperf.cli.saving import STOPPED
from xenperf.cli.several import NEXT

Invoke = Callable[..., Any]
Series = Callable[..., Any]


def rows_of(found: Any, **wanted: Any) -> list[dict[str, Any]]:
    """Return the rows of a report in JSON that have what is wanted."""
    rows = json.loads(found.out)["rows"]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


THREE = {"base": Kernel(), "p1": Kernel(gpa=1100), "p2": Kernel(gpa=900)}


def test_every_image_is_booted_as_often_in_balanced_order(series: Series) -> None:
    found, boots = series(THREE, "--boots", "6", "--seed", "1", "--format", "json")
    order = labels(boots.jobs)
    assert [order.count(name) for name in THREE] == [6, 6, 6]
    rounds = [order[at : at + 3] for at in range(0, 18, 3)]
    assert all(sorted(one) == sorted(THREE) for one in rounds)
    for place in range(3):  # each stands in each place equally often
        assert sorted(one[place] for one in rounds) == sorted([*THREE] * 2)
    assert json.loads(found.out)["settings"]["order"] == [" ".join(one) for one in rounds]
    _, others = series(THREE, "--boots", "6", "--seed", "1")
    assert labels(others.jobs) == order


def test_each_vm_runs_the_live_run_and_the_cases(series: Series) -> None:
    words = ("--boots", "1", "--seed", "7", "--only", "send.*", "--port", "9", "--timeout", "60")
    _, boots = series(THREE, *words)
    job = boots.jobs[0]
    args = job.command.args
    before, after = args[: args.index("-o")], args[args.index(NEXT) + 1 :]
    assert " ".join(before) == "run --backend live --port 9 --only send.* --seed 7"
    assert " ".join(after) == "cases --backend live --format json"
    assert (job.machine.counts_instructions, job.timeout_s, job.backend) == (True, 60, "live")
    assert job.module == "xenperf.cli.several"
    _, boots = series(THREE, "--boots", "1", "--no-cases")
    assert NEXT not in boots.jobs[0].command.args


def test_each_step_stands_beside_the_base_and_the_one_before(series: Series) -> None:
    found, _ = series(THREE, "--boots", "2", "--format", "json")
    assert found.code == ExitCode.SLOWER
    by_gpa = rows_of(found, benchmark=SEND, variant="gpa")
    told = {tuple(row["sides"]): (row["verdict"], row["ratio"]) for row in by_gpa}
    assert told == {
        ("base", "p1"): ("slower", 1.1),
        ("base", "p2"): ("faster", 0.9),
        ("p1", "p2"): ("faster", 900 / 1100),
    }
    assert {row["verdict"] for row in rows_of(found, benchmark=SEND, variant="hva")} == {"same"}
    (bought,) = rows_of(found, benchmark=SEND, variant="gpa to hva")
    assert (bought["base gpa"], bought["p2 hva"]) == (1000, 990)
    controls = rows_of(found, benchmark="request.bad_port")
    assert {(row["variant"], row["control"]) for row in controls} == {("", False)}


@pytest.mark.parametrize(("noise", "verdict"), [(0, "slower"), (5, "undecided")])
def test_counts_that_lie_apart_forbid_a_claim(series: Series, noise: int, verdict: str) -> None:
    kernels = {"base": Kernel(), "p1": Kernel(gpa=1005, noise=noise)}
    found, _ = series(kernels, "--boots", "3", "--format", "json")
    (row,) = rows_of(found, benchmark=SEND, variant="gpa")
    assert row["verdict"] == verdict


def test_a_kernel_without_hva_has_rows_by_gpa_only(series: Series) -> None:
    kernels = {"old": Kernel(has_hva=False), "new": Kernel()}
    found, _ = series(kernels, "--boots", "1", "--format", "json")
    assert {row["verdict"] for row in rows_of(found, variant="gpa")} == {"same"}
    by_hva = rows_of(found, variant="hva")
    assert {row["verdict"] for row in by_hva} == {"new"}
    assert all(row["old"] is None for row in by_hva)
    found, _ = series(dict(reversed(kernels.items())), "--boots", "1", "--format", "json")
    assert {row["verdict"] for row in rows_of(found, variant="hva")} == {"gone"}


def test_a_kernel_that_does_not_boot_is_named_and_the_rest_goes_on(series: Series) -> None:
    kernels = {**THREE, "p1": Kernel(dies_in=frozenset({0}))}
    found, boots = series(kernels, "--boots", "3")
    assert found.code == ExitCode.UNTRUSTED
    assert labels(boots.jobs).count("p1") == 1
    assert "the kernel died (no root); see above; it is not booted again" in found.err
    assert "p1 gave no answer: 6 of 9 boots finished" in found.out
    assert "p1, no answer" in " ".join(found.out.split())
    assert "p2" in found.out


def test_a_kernel_that_is_rebuilt_meanwhile_is_booted_no_more(
    series: Series, tmp_path: Path
) -> None:
    def rebuild(nr_boot: int) -> None:
        if nr_boot == 3:  # the last of the first round
            (tmp_path / "p1").write_bytes(image_bytes() + b"p1, but better")

    found, boots = series(THREE, "--boots", "2", "--seed", "1", on_boot=rebuild)
    assert found.code == ExitCode.UNTRUSTED
    assert labels(boots.jobs).count("p1") == 1
    why = f"{tmp_path / 'p1'}: the image or a module has changed since the series began"
    assert why in " ".join(found.err.split())


def test_steps_with_one_kvm_are_told(series: Series, tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "kvm.ko").write_bytes(module_bytes())
    (modules / "kvm-amd.ko").write_bytes(module_bytes(["kvm"]))
    found, _ = series(THREE, "--boots", "1", "--modules", str(modules))
    said = " ".join(found.out.split())
    for before, label in (("base", "p1"), ("p1", "p2")):
        assert f"{label} loads the very kvm.ko, kvm_amd.ko of {before}: only the rest" in said


def test_one_image_under_two_names_is_told(invoke: Invoke, series: Series, tmp_path: Path) -> None:
    found, _ = series(THREE, "--boots", "1")
    assert "the same image" not in found.out
    assert "loads the very" not in found.out
    (tmp_path / "p1").write_bytes((tmp_path / "base").read_bytes())
    named = [word for name in THREE for word in ("--kernel", f"{name}={tmp_path / name}")]
    found = invoke("series", *named, "--icount", "--boots", "1")
    assert "p1 is base: the same image, the same modules" in " ".join(found.out.split())


def test_a_kernel_that_dies_later_keeps_the_boots_it_had(series: Series) -> None:
    kernels = {"base": Kernel(), "p1": Kernel(gpa=1100, dies_in=frozenset({1}))}
    found, _ = series(kernels, "--boots", "3", "--format", "json")
    assert found.code == ExitCode.UNTRUSTED
    (row,) = rows_of(found, benchmark=SEND, variant="gpa")
    assert (row["base"], row["p1"]) == (1000, 1100)
    assert "1 of 3 boots" in json.loads(found.out)["about"]["p1"]


def test_without_a_base_the_first_that_booted_is_compared_with(series: Series) -> None:
    kernels = {**THREE, "base": Kernel(refuses="xenperf: /dev/kvm: without CONFIG_KVM_XEN")}
    found, _ = series(kernels, "--boots", "1", "--format", "json")
    assert {tuple(row["sides"]) for row in rows_of(found, variant="gpa")} == {("p1", "p2")}
    doubts = json.loads(found.out)["distrust"]
    assert "base gave no answer: the steps are compared with p1" in doubts
    assert any("without CONFIG_KVM_XEN" in doubt for doubt in doubts)


def test_where_only_one_boots_there_is_nothing_to_compare(series: Series) -> None:
    dead = Kernel(dies_in=frozenset({0}))
    found, _ = series({"base": Kernel(), "p1": dead}, "--boots", "2")
    assert (found.code, found.out) == (3, "")
    last = found.err.splitlines()[-1]
    assert "series: 1 of 2 images gave an answer (p1: " in last
    assert "no root" in last


def test_ctrl_c_keeps_the_boots_that_were_finished(series: Series, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    found, boots = series(THREE, "--boots", "2", "-o", str(kept), interrupts_at=5)
    assert len(boots.jobs) == 5
    assert found.code == ExitCode.UNTRUSTED
    assert "interrupted: 4 of 6 boots finished" in found.err
    assert "slower" in kept.read_text()
    found, _ = series(THREE, "--boots", "2", interrupts_at=2)
    assert (found.code, found.out) == (2, "")
    assert "interrupted before two images were measured" in found.err


def test_the_report_is_on_disk_after_each_boot(
    series: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, told = tmp_path / "kept.json", []
    whole = Boots.__call__

    def watched(boots: Boots, *job: Any) -> Any:
        told.append(json.loads(kept.read_text())["cut_short"] if kept.exists() else "nothing")
        return whole(boots, *job)

    monkeypatch.setattr(Boots, "__call__", watched)
    series({"base": Kernel(), "p1": Kernel()}, "--boots", "2", "-o", str(kept))
    assert told == ["nothing", "nothing", STOPPED, STOPPED]
    assert json.loads(kept.read_text())["cut_short"] is None


def test_an_answer_that_changes_is_told_and_one_that_gets_wrong_is_a_failure(
    series: Series,
) -> None:
    kernels = {"base": Kernel(), "p1": Kernel(says="refused"), "p2": Kernel()}
    found, _ = series(kernels, "--boots", "1", "--format", "json")
    assert found.code == ExitCode.FAILED
    changes = json.loads(found.out)["answers"]
    assert [(one["case"], one["sides"], one["is"]) for one in changes] == [
        (CASE, ["base", "p1"], "now wrong"),
        (CASE, ["p1", "p2"], "now right"),
    ]
    found, _ = series(dict(list(kernels.items())[1:]), "--boots", "1")
    assert found.code == ExitCode.DONE
    assert "ANSWERS" in found.out
    assert "now right" in found.out


@pytest.mark.parametrize("name", ["text", "markdown", "mail", "html", "json"])
def test_every_form_tells_boots_counts_and_answers(series: Series, name: str) -> None:
    kernels = {**THREE, "p1": Kernel(gpa=1100, says="refused", refused=3)}
    found, _ = series(kernels, "--boots", "2", "--format", name)
    text = " ".join(found.out.replace("\\", "").split())
    for part in ("now wrong", "6.99-p1", "1100" if name in ("text", "markdown", "json") else "p1"):
        assert part in text
    if name != "json":
        assert "balanced order" in text
        assert "by a clock that counts them" in text


def test_times_are_judged_boot_by_boot_and_few_boots_decide_nothing(series: Series) -> None:
    kernels = {
        "base": Kernel(metric="cpu_time"),
        "p1": Kernel(gpa=2000, metric="cpu_time"),
    }
    found, _ = series(kernels, "--boots", "2", "--format", "json", counted=False)
    (row,) = rows_of(found, benchmark=SEND, variant="gpa")
    assert row["verdict"] == "undecided"
    found, _ = series(kernels, "--boots", "2", counted=False)
    assert "thread CPU time, and wall time of what sleeps" in " ".join(found.out.split())
    assert "one boot of each" not in found.out
    found, _ = series(kernels, "--boots", "10", "--format", "json")
    (row,) = rows_of(found, benchmark=SEND, variant="gpa")
    assert (row["verdict"], row["worker_ratios"]) == ("slower", [2.0] * 10)


def test_the_command_boots_the_same_again(series: Series, tmp_path: Path) -> None:
    found, _ = series(THREE, "--boots", "2", "--seed", "5", "--only", "send.*", "--format", "json")
    command = json.loads(found.out)["command"]
    assert command.startswith(f"xenperf series --kernel base={tmp_path}/base --kernel p1=")
    assert command.endswith("--boots 2 --icount --only 'send.*' --seed 5")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--boots", "2"), "--boots: it is about kernel images"),
        (("--icount", "--model"), "--icount: it is about kernel images"),
        (("--kernel", "a={image}"), "a series has 2 to 16 images, not 1"),
        (("--kernel", "a={image}", "--kernel", "a={image}"), "each needs a label"),
        (("--kernel", "a={image}", "--kernel", "b=/no/such"), "cannot be read"),
        (("--kernel", "a={image}", "--kernel", "{image}", "--model"), "leave the rest out"),
        (("--kernel", "a={image}", "--kernel", "{image}", "a..b"), "leave the rest out"),
        (("--kernel", "a={image}", "--kernel", "{image}", "--only", "x"), "no such name"),
        (("--kernel", "a={image}", "--kernel", "{image}", "-o", "/no/x"), "create the directory"),
        (("--kernel", "a={image}", "--kernel", "{image}", "--budget", "3"), "leave --budget out"),
    ],
)
def test_misuse_is_told_before_anything_is_booted(
    words: tuple[str, ...], why: str, invoke: Invoke, tmp_path: Path
) -> None:
    (tmp_path / "vmlinuz").write_bytes(image_bytes())
    image = str(tmp_path / "vmlinuz")
    found = invoke("series", *(word.format(image=image) for word in words))
    assert (found.code, found.out) == (2, "")
    assert why in found.err


def test_emulated_times_are_told_and_how_the_vms_ran(series: Series) -> None:
    turns = Kernel(metric="cpu_time", manner="emulation, CPUs taking turns")
    kernels = {"base": Kernel(metric="cpu_time", manner="emulation"), "p1": turns}
    found, _ = series(kernels, "--boots", "1", "--format", "json", counted=False)
    report = json.loads(found.out)
    assert report["environment"]["booted"] == "emulation and emulation, CPUs taking turns"
    assert any("their times are the emulator's" in doubt for doubt in report["distrust"])
    assert any(doubt.startswith("one boot of each image") for doubt in report["distrust"])
    assert report["grade"] == "B"
