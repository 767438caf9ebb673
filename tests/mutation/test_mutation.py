"""The mutation check itself: what it plants, what it reports, what it refuses; not the full run."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.mutation import cli
from tests.mutation.fault import KINDS, ROOT, Fault, MisfitError, chosen, load
from tests.mutation.planting import check, planted, snapshot_of
from tests.mutation.report import Report, render_json, render_text, render_tsv
from tests.mutation.session import NEAR, Result, Runner, Session
from tests.mutation.trial import Run, Verdict
from xenperf.errors import UsageError, XenperfError

FAULTS = load()
BY_NAME = {fault.name: fault for fault in FAULTS}
NO_FAULT = Fault(
    name="quick/only-a-comment",
    file="xenperf/model/pagetable.py",
    kind="wrong answer",
    rule="None: the code is the same.",
    edits=(("# present and writable", "# writable and present"),),
    tests=("tests/model/test_mm.py::test_what_is_not_mapped_has_no_frame",),
)
REPORTED = {
    "quick/found": Run(Verdict.FAILED, 1.0, "tests/model/test_mm.py::test_it", "assert 1 == 2"),
    "quick/hung": Run(Verdict.TIMEOUT, 60.0, "tests/model/test_mm.py::test_it"),
    "quick/crashed": Run(Verdict.CRASHED, 2.0, "", "SIGSEGV"),
    "quick/survived": Run(Verdict.PASSED, 3.0),
}


def fault_like(fault: Fault, **fields: object) -> Fault:
    values = {name: getattr(fault, name) for name in Fault.__slots__}
    return Fault(**(values | fields))


def report_of(runs: dict[str, Run], nr_faults: int, bar: float = 95.0) -> Report:
    results = [
        Result(fault_like(NO_FAULT, name=name), NEAR if run.test else "", run, run.seconds)
        for name, run in runs.items()
    ]
    session = Session(tuple(results), nr_faults, 9.0)
    return Report(session, bar, "python -m tests.mutation", {"kernel": "6.18"})


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_fits_the_code(fault: Fault) -> None:
    assert check(fault, ROOT) != (ROOT / fault.file).read_text(encoding="utf-8")


def test_there_are_faults_of_every_kind_in_every_file_of_steps() -> None:
    assert len(FAULTS) >= 60
    assert set(Counter(fault.kind for fault in FAULTS)) == set(KINDS)
    files = {Path(fault.file).stem for fault in FAULTS}
    plain = {"__init__", "constants", "layout", "source_layout", "statistics", "patches"}
    plain |= {"loops", "observed", "state"}  # set-up and looking; no operation
    model = {path.stem for path in (ROOT / "xenperf" / "model").glob("*.py")}
    assert model - plain == files


@pytest.mark.slow
def test_a_fault_is_caught_and_a_comment_survives() -> None:
    one_test = "tests/model/test_activation.py::test_activation_maps_the_page_by_either_address"
    wrong = fault_like(BY_NAME["pagetable/walk-ends-a-level-early"], tests=(one_test,))
    faults = [wrong, NO_FAULT]
    heard: list[Result] = []
    session = Runner(wider=()).run(faults, 2, heard.append)
    caught, survived = session.results
    assert (caught.is_caught, caught.stage, caught.run.verdict) == (True, NEAR, Verdict.FAILED)
    assert caught.run.test.startswith("tests/model/")
    assert (survived.is_caught, survived.stage) == (False, "")
    assert not session.is_cut_short
    assert sorted(result.fault.name for result in heard) == sorted(f.name for f in faults)


@pytest.mark.slow
def test_tests_that_fail_by_themselves_are_told_and_nothing_is_planted(tmp_path: Path) -> None:
    root = checkout(tmp_path, "def test_it() -> None:\n    assert 1 == 2\n")
    with pytest.raises(XenperfError, match=r"with nothing planted tests/test_it\.py::test_it"):
        Runner(root, wider=()).run([small_fault()], 1, print)


@pytest.mark.slow
def test_a_test_that_hangs_is_ended_and_counted_as_a_timeout(tmp_path: Path) -> None:
    loop = (
        "from xenperf.it import ONE\n\ndef test_it() -> None:\n    while ONE != 1:\n        pass\n"
    )
    root = checkout(tmp_path, loop)
    (result,) = Runner(root, timeout=5, wider=()).run([small_fault()], 1, lambda _: None).results
    assert (result.run.verdict, result.run.test) == (Verdict.TIMEOUT, "tests/test_it.py::test_it")
    assert result.is_caught


@pytest.mark.slow
def test_an_interrupt_keeps_what_is_finished_and_leaves_nothing_behind(tmp_path: Path) -> None:
    root = checkout(tmp_path, "def test_it() -> None:\n    pass\n")
    faults = [fault_like(small_fault(), name=f"quick/{number}") for number in range(3)]
    runner = Runner(root, wider=())

    def interrupt(result: Result) -> None:
        raise KeyboardInterrupt

    session = runner.run(faults, 1, interrupt)
    assert (len(session.results), session.is_cut_short) == (1, True)
    assert not runner._running


def checkout(root: Path, test: str) -> Path:
    (root / "xenperf").mkdir()
    (root / "xenperf" / "__init__.py").touch()
    (root / "xenperf" / "it.py").write_text("ONE = 1\n")
    (root / "tests").mkdir()
    (root / "tests" / "test_it.py").write_text(test)
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    return root


def small_fault() -> Fault:
    edits = (("ONE = 1", "ONE = 2"),)
    return fault_like(NO_FAULT, file="xenperf/it.py", edits=edits, tests=("tests/test_it.py",))


def test_the_checkout_is_never_edited(tmp_path: Path) -> None:
    root = checkout(tmp_path, "")
    with snapshot_of(root) as snapshot, planted(snapshot, small_fault()) as tree:
        sources = [(folder / "xenperf" / "it.py").read_text() for folder in (root, snapshot, tree)]
    assert sources == ["ONE = 1\n", "ONE = 1\n", "ONE = 2\n"]
    assert not snapshot.exists()
    assert not tree.exists()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"edits": (("no such text", "x"),)}, "has 'no such text' 0 times, not once"),
        ({"edits": (("load64", "x"),)}, "times, not once"),
        ({"edits": (("return entry", "return nothing_known"),)}, "does not know nothing_known"),
        ({"edits": (("return entry", "return ("),)}, "becomes no Python"),
        ({"file": "xenperf/model/gone.py"}, "gone.py does not exist"),
        ({"tests": ("tests/model/test_gone.py",)}, "test_gone.py does not exist"),
    ],
)
def test_a_fault_that_does_not_fit_is_refused_by_name(
    fields: dict[str, object], reason: str
) -> None:
    with pytest.raises(MisfitError, match=reason) as refused:
        check(fault_like(NO_FAULT, **fields), ROOT)
    assert str(refused.value).startswith("fault quick/only-a-comment: ")
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("kind = 'bad luck'\nrule = 'r'\nedits = [['a', 'b']]", "'bad luck' is no kind"),
        ("kind = 'wrong bit'\nrule = 'r'\nedits = [['a', 'a']]", "an edit changes nothing"),
        ("kind = 'wrong bit'\nrule = ''\nedits = [['a', 'b']]", "it needs a rule"),
        ("kind = 'wrong bit'\nrule = 'r'\nedits = [['a']]", "not enough values"),
        ("kind = 'wrong bit'\nrule = 'r'\nhue = 'red'", "unexpected keyword argument 'hue'"),
    ],
)
def test_a_bad_entry_is_refused_by_name(tmp_path: Path, entry: str, reason: str) -> None:
    text = f"file = 'f.py'\ntests = ['t.py']\n[[fault]]\nname = 'x'\n{entry}\n"
    (tmp_path / "some.toml").write_text(text)
    with pytest.raises(MisfitError, match=reason) as refused:
        load(tmp_path)
    assert "fault some/x" in str(refused.value)


def test_names_are_chosen_by_globs() -> None:
    assert {fault.file for fault in chosen(FAULTS, ["locks/*"])} == {"xenperf/model/locks.py"}
    assert chosen(FAULTS, []) == FAULTS
    with pytest.raises(UsageError, match="no fault is called nowhere"):
        chosen(FAULTS, ["nowhere"])


def test_a_report_counts_timeouts_and_crashes_as_caught_and_names_them() -> None:
    text = render_text(report_of(REPORTED, 4))
    for line in ("caught by timeout", "caught by crash", "survived   quick/survived: None: the"):
        assert line in text
    assert "3 of 4 (75.0 %): 2 by near" in text
    assert "of these 1 by timeout, of these 1 by crash" in text
    assert "95 %: MISSED" in text
    assert "75 %: reached" in render_text(report_of(REPORTED, 4, bar=75))
    assert "interrupted with 6 faults left" in render_text(report_of(REPORTED, 10))


def test_a_report_of_all_faults_fits_the_page() -> None:
    run = Run(Verdict.TIMEOUT, 100.0, "tests/model/test_interleaved_updates.py::test_it")
    text = render_text(report_of({fault.name: run for fault in FAULTS}, len(FAULTS)))
    assert max(map(len, text.splitlines())) <= 100


def test_tsv_has_a_line_for_each_fault_and_json_all_of_it() -> None:
    report = report_of(REPORTED, 4)
    titles, *rows = (line.split("\t") for line in render_tsv(report).splitlines())
    assert [len(row) for row in rows] == [len(titles)] * 4
    content = json.loads(render_json(report))
    assert content["caught_percent"] == 75
    assert [each["outcome"] for each in content["results"]] == [
        "caught",
        "caught by timeout",
        "caught by crash",
        "survived",
    ]


@pytest.mark.parametrize(
    ("bar", "cut_short", "code"), [(75.0, False, 0), (76.0, False, 1), (75.0, True, 3)]
)
def test_the_exit_code_says_whether_the_bar_was_reached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bar: float, cut_short: bool, code: int
) -> None:
    session = report_of(REPORTED, 5 if cut_short else 4).session
    monkeypatch.setattr(cli.Runner, "run", lambda *_: session)
    output = tmp_path / "report.tsv"
    assert cli.console(["--bar", str(bar), "--format", "tsv", "-o", str(output)]) == code
    assert output.read_text().startswith("fault\tkind")


def test_misuse_is_one_line_and_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--only", "nowhere"], ["--jobs", "0"], ["-o", "/nowhere/report"]):
        assert cli.console(arguments) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith("mutation: ")
        assert told.err.count("\n") == 1


def test_faults_are_listed_with_their_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.console(["--list", "--only", "slot_swap/no-sync*"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("slot_swap/no-synchronize: missing wait. The updater waits")
