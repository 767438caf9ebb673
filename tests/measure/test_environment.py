"""The machine's description: plain values, and None where a machine does not tell."""

import json
import subprocess
from pathlib import Path

import pytest

from xenperf.measure import environment


def test_the_description_can_be_written_as_json_and_names_what_matters() -> None:
    described = json.loads(json.dumps(environment.describe()))
    wanted = {"xenperf", "commit", "kernel", "cpu", "clock_source", "load_1min", "numba", "python"}
    assert wanted <= set(described)


def test_a_folder_that_is_no_checkout_has_no_commit(tmp_path: Path) -> None:
    assert environment.commit(tmp_path) is None


def test_a_changed_checkout_says_so(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    git("init")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-m", "one")
    clean = environment.commit(tmp_path)
    (tmp_path / "file").write_text("two")
    assert environment.commit(tmp_path) == f"{clean}-dirty"


def test_a_missing_file_of_the_kernel_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_read", lambda path: None)
    assert environment.describe()["clock_source"] is None
    assert environment.describe()["pressure_cpu"] is None
    assert environment.steal_share() is None


def test_steal_is_the_eighth_kind_and_a_guests_time_counts_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "_read", lambda path: "cpu  10 0 10 60 0 0 0 20 500 500\nx")
    assert (environment.ticks()[7], environment.steal_share()) == (20, 0.2)


@pytest.mark.parametrize(
    ("text", "avg10"),
    [
        ("some avg10=12.50 avg60=1.00 avg300=0.10 total=5\nfull avg10=3.00 total=0", 12.5),
        ("full avg10=3.00 total=0", None),
        (None, None),
    ],
)
def test_pressure_is_that_of_some_task(text: str | None, avg10: float | None) -> None:
    assert environment.parsed_pressure(text) == avg10


def test_inside_a_vm_that_xenperf_booted_the_description_says_how(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(environment.BOOTED, raising=False)
    assert environment.describe()["booted"] is None
    monkeypatch.setenv(environment.BOOTED, "emulation")
    assert environment.describe()["booted"] == "emulation"
