"""``.ci/counts``: what a change of an exact count needs, tried on a package that only counts."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "exact_counts.py"
WORKFLOW = ROOT / ".github" / "workflows" / "checks.yml"

# A xenperf that answers what the script asks, from the numbers beside it.
ANSWERS = """
import json, pathlib, sys
found = json.loads(pathlib.Path(__file__).with_name("counts.json").read_text())
verb = sys.argv[1]
if verb not in found["verbs"]:
    sys.exit(f"xenperf: no such verb {verb}")
row = {"benchmark": "overlay.away", "metric": "refused", "unit": "sends", "sides": ["gpa", "hva"]}
case = {"id": "send.1", "kernel": "gpa-hva", "activation": "gpa", "observed": found["case"]}
pair = {"first": "send", "second": "move", "activation": "gpa", "nr_schedules": 7}
pair |= {"outcomes": {"ok": 7}, "nr_refused_sends": 0, "nr_lost_events": 0, "violations": []}
print({
    "list": "overlay\\toutcome\\tcount\\tsends\\nsend\\tcost\\tns/send\\tone",
    "run": json.dumps({"rows": [{**row, "gpa": found["refused"], "hva": 0}]}),
    "cases": json.dumps({"cases": [case]}),
    "explore": json.dumps({"pairs": [pair]}),
}[verb])
"""
NUMBERS = {"refused": 64, "case": "EFAULT", "verbs": ["list", "run", "cases", "explore"]}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A repository with one commit on main, which further ones are put upon."""

    here: Path

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        argv = ["git", "-C", str(self.here), *who, *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, message: str, **numbers: object) -> None:
        content = json.dumps({**NUMBERS, **numbers})
        (self.here / "xenperf" / "counts.json").write_text(content)
        self.git("add", ".")
        self.git("commit", "--allow-empty", "-m", message)

    def counts(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, str(SCRIPT), *words]
        return subprocess.run(argv, cwd=self.here, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.git("init", "-b", "main")
    (tmp_path / "xenperf").mkdir()
    (tmp_path / "xenperf" / "__init__.py").touch()  # else an installed xenperf comes before it
    (tmp_path / "xenperf" / "__main__.py").write_text(ANSWERS)
    made.commit("Begin")
    made.git("checkout", "-b", "topic")
    return made


def test_equal_counts_are_green(checkout: Checkout) -> None:
    checkout.commit("Rename something")
    done = checkout.counts("main", "topic")
    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    assert first.startswith("8 counts of ")
    assert last == "no count changed"


def test_a_changed_count_is_red_and_says_how_to_acknowledge_it(checkout: Checkout) -> None:
    checkout.commit("Be faster", refused=0, case="0")
    done = checkout.counts("main", "topic")
    assert done.returncode == 1
    assert "changed  scenario overlay.away refused gpa: 64 sends -> 0 sends\n" in done.stdout
    assert "changed  case send.1 gpa-hva gpa: EFAULT -> 0\n" in done.stdout
    assert "    Counts-change: what changed" in done.stdout


def test_a_reason_in_any_commit_of_the_range_makes_it_green(checkout: Checkout) -> None:
    checkout.commit("Be faster\n\nCounts-change: sends wait\n  for the slot now", refused=0)
    checkout.commit("Tidy up", refused=0)
    done = checkout.counts("main", "topic")
    assert done.returncode == 0
    assert done.stdout.endswith("as the commits say:\nsends wait for the slot now\n")


def test_the_same_words_in_the_middle_of_a_message_are_no_reason(checkout: Checkout) -> None:
    checkout.commit("Counts-change: no\n\nCounts-change: x\nis a line of text.\n\nEnd.", refused=0)
    assert checkout.counts("main", "topic").returncode == 1


def test_what_changed_on_main_meanwhile_is_not_held_against_head(checkout: Checkout) -> None:
    checkout.commit("Go on")
    checkout.git("checkout", "main")
    checkout.commit("Change main", refused=1)
    assert checkout.counts("main", "topic").returncode == 0


def test_what_head_no_longer_counts_is_a_change(checkout: Checkout) -> None:
    path = checkout.here / "xenperf" / "__main__.py"
    path.write_text(path.read_text().replace('"id": "send.1"', '"id": "send.2"'))
    checkout.commit("Rename a case")
    done = checkout.counts("main", "topic")
    assert done.returncode == 1
    assert "gone     case send.1 gpa-hva gpa: EFAULT\n" in done.stdout
    assert "\n1 counts are new\n" in done.stdout


def test_what_the_base_cannot_count_yet_is_new_and_named(checkout: Checkout) -> None:
    checkout.git("checkout", "main")
    checkout.commit("Forget", verbs=["list", "run", "cases"])
    checkout.git("checkout", "-B", "topic")
    checkout.commit("Explore")
    done = checkout.counts("main", "topic")
    assert done.returncode == 0
    assert "schedules: xenperf explore: xenperf: no such verb explore\n" in done.stdout
    assert "\n5 counts are new\n" in done.stdout


def test_a_head_that_cannot_be_counted_is_misuse_and_not_green(checkout: Checkout) -> None:
    checkout.commit("Break", verbs=["list"])
    done = checkout.counts("main", "topic")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be counted: scenarios: xenperf run: xenperf: no such verb run" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "counts: give BASE and HEAD\n"),
        (("main", "elsewhere"), "counts: revision elsewhere: there is no such commit; was all"),
        (("--all", "main"), "counts: revision --all: there is no such commit"),
    ],
)
def test_misuse_is_one_line(words: tuple[str, ...], said: str, checkout: Checkout) -> None:
    done = checkout.counts(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def test_the_workflow_calls_scripts_that_are_there_and_needs_no_right_to_write() -> None:
    found = yaml.safe_load(WORKFLOW.read_text())
    assert found["permissions"] == {"contents": "read"}
    assert "secrets" not in WORKFLOW.read_text()
    runs = [s["run"] for job in found["jobs"].values() for s in job["steps"] if "run" in s]
    assert len(runs) == len(found["jobs"])
    for line in runs:
        assert line.startswith(".ci/")
        assert (ROOT / line.split()[0]).stat().st_mode & 0o111
    assert found["jobs"]["timings"]["continue-on-error"] is True
    assert "continue-on-error" not in found["jobs"]["counts"]
