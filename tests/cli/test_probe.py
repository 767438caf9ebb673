import json
from collections.abc import Callable
from typing import Any

import pytest

from xenperf.measure import probe
from xenperf.measure.probe_fact import Fact, Grade

Invoke = Callable[..., Any]


def test_the_probe_looks_at_this_machine(invoke: Invoke) -> None:
    found = invoke("probe", "--format", "json")
    content = json.loads(found.out)
    assert (content["schema"], content["kind"], found.err) == ("xenperf/1", "probe", "")
    assert found.code == (3 if content["untrusted"] else 0)
    assert {"cpus", "steal", "kvm"} <= {fact["name"] for fact in content["facts"]}
    assert content["environment"]["kernel"]


@pytest.mark.parametrize("grade", list(Grade))
def test_the_exit_code_is_3_if_times_are_not_to_be_trusted(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, grade: Grade
) -> None:
    fact = Fact("steal", "some", 0.5, "why", "what to do", grade)
    monkeypatch.setattr(probe, "facts", lambda: [fact])
    found = invoke("probe", "--format", "tsv")
    assert found.code == (3 if grade is Grade.UNTRUSTED else 0)
    assert found.out == f"steal\tsome\t0.5\twhy\twhat to do\t{grade}\n"


def test_the_help_page_documents_the_exit_codes(invoke: Invoke) -> None:
    text = invoke("probe", "--help").out
    assert [line.split()[0] for line in text.splitlines() if line[4:5].isdigit()] == [*"023"]
