import json
from collections.abc import Callable
from typing import Any

from xenperf.scenarios import catalogue

Invoke = Callable[..., Any]


def test_every_name_is_listed_in_its_order(invoke: Invoke) -> None:
    found = invoke("list", "--format", "tsv")
    assert (found.code, found.err) == (0, "")
    rows = [line.split("\t") for line in found.out.splitlines()]
    assert [row[0] for row in rows] == catalogue.names()
    assert {row[1] for row in rows} == {"cost", "control", "outcome"}
    assert all(len(row) == 4 and all(row) for row in rows)


def test_text_stays_within_the_page(invoke: Invoke) -> None:
    lines = invoke("list").out.splitlines()
    assert lines[0].split() == ["name", "kind", "unit", "summary"]
    assert max(map(len, lines)) <= 100
    starts = [line.split()[0] for line in lines[1:] if not line.startswith(" ")]
    assert starts == catalogue.names()


def test_json_is_one_object(invoke: Invoke) -> None:
    content = json.loads(invoke("list", "--only", "break_apart", "--format", "json").out)
    assert (content["schema"], content["kind"]) == ("xenperf/1", "list")
    (entry,) = content["entries"]
    assert entry["name"] == "break_apart"
    assert (entry["kind"], entry["unit"]) == ("outcome", "count")
    assert entry["summary"] == catalogue.scenario("break_apart").summary


def test_several_globs_add_up(invoke: Invoke) -> None:
    found = invoke("list", "--only", "gpc.check", "--only", "lock.*", "--format", "tsv").out
    names = [line.split("\t")[0] for line in found.splitlines()]
    assert names[0] == "gpc.check"
    assert len(names) > 1
    assert all(name.startswith("lock.") for name in names[1:])


def test_an_unknown_name_is_one_line(invoke: Invoke) -> None:
    found = invoke("list", "--only", "fly")
    assert (found.code, found.out) == (2, "")
    assert found.err == "xenperf: benchmark fly: no such name; xenperf list shows them all\n"
