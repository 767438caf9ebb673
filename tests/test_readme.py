"""The README: its commands exist, its files are there, and its table has the program's own rows."""

import io
import re
from pathlib import Path

from xenperf.cli.main import main
from xenperf.scenarios import catalogue

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_both_commands_for_a_newcomer_are_there_and_set_up_by_themselves() -> None:
    commands = re.findall(r"^(\.ci/env .+)$", README, re.MULTILINE)
    assert commands == [".ci/env xenperf run", ".ci/env pytest -n auto"]
    assert (ROOT / ".ci" / "env").stat().st_mode & 0o111


def test_every_verb_named_in_the_readme_explains_itself() -> None:
    verbs = set(re.findall(r"(?:`|env |reproduce +)xenperf ([a-z]+)", README))
    assert {"run", "list"} <= verbs
    for verb in verbs:
        out, err = io.StringIO(), io.StringIO()
        assert main([verb, "--help"], out, err) == 0, verb
        assert verb in out.getvalue()


def test_every_link_leads_to_a_file() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
    for script in re.findall(r"`python (bench/\S+\.py)", README):
        assert (ROOT / script).exists(), script


def test_the_table_is_one_of_the_programs_own() -> None:
    block = README.partition("```text\n")[2].partition("```")[0]
    assert "COSTS" in block
    assert "OUTCOMES" in block
    assert re.search(r"^reproduce +xenperf run", block, re.MULTILINE)
    named = {line.split()[0] for line in block.splitlines() if re.match(r"[a-z_]+\.[a-z_]+ ", line)}
    known = set(catalogue.names())
    assert named
    assert all(name in known or name.partition(".")[0] in known for name in named)
    assert all(len(line) <= 100 for line in block.splitlines())
