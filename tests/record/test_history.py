"""A folder of asv's results: what it says is read, what is broken or foreign is named."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.record.planted_asv import commit, plant, plant_commit
from xenperf.errors import UsageError
from xenperf.record.history import read
from xenperf.stats.history import History, Kind, State, Track

COUNT = "bench.Away.track_refused_sends"
RATIO = "bench.Hot.track_hva_over_gpa"
TIME = "bench.Send.time_batch"


def track(found: History, title: str) -> Track:
    (one,) = [track for track in found.tracks if track.title == title]
    return one


def values(one: Track) -> list[float | str]:
    """Return the figures, or what became of the benchmark where there is none."""
    return [
        point.value if point.state is State.MEASURED else str(point.state) for point in one.points
    ]


def test_each_commit_is_a_step_and_each_combination_a_track(tmp_path: Path) -> None:
    folder = plant(tmp_path, [{COUNT: [64, 0]}, {COUNT: [65, 0], TIME: [1e-3, 2e-3]}])
    found = read(folder)
    assert [step.commit for step in found.steps] == [commit(1), commit(2)]
    assert found.steps[0].label == "01010101"
    assert values(track(found, f"{COUNT} 'gpa'")) == [64, 65]
    assert values(track(found, f"{TIME} 'hva'")) == ["missing", 2e-3]
    assert (found.machine, found.remarks) == ("box", ())
    assert found.environment["os"] == "Linux 6.9"


def test_the_list_of_benchmarks_says_what_sort_of_figure_each_is(tmp_path: Path) -> None:
    figures: dict[str, Any] = {
        **{COUNT: [64, 0], RATIO: [0.9, 1.0], TIME: [1e-3, 2e-3]},
        "bench.Sources.track_source_digest": [1234],
        "bench.Send.peakmem_batch": [1 << 26],
        "bench.Send.track_instructions": [29.7],
        "bench.Send.time_floor_empty_batch": [1e-6, 1e-6],
    }
    found = read(plant(tmp_path, [figures]))
    assert {(one.name, one.kind) for one in found.tracks} == {
        (COUNT, Kind.COUNT),
        (RATIO, Kind.RATIO),
        (TIME, Kind.COST),
        ("bench.Sources.track_source_digest", Kind.OTHER),
        ("bench.Send.peakmem_batch", Kind.COST),
        ("bench.Send.track_instructions", Kind.INSTRUCTIONS),
        ("bench.Send.time_floor_empty_batch", Kind.FLOOR),
    }


def test_what_failed_and_what_was_skipped_are_told_apart(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [{COUNT: None}, {COUNT: [math.nan, None]}, {COUNT: [1, 2]}]
    found = read(plant(tmp_path, steps))
    assert values(track(found, f"{COUNT} 'gpa'")) == ["failed", "skipped", 1]
    assert values(track(found, f"{COUNT} 'hva'")) == ["failed", "failed", 2]
    assert found.troubled(State.FAILED) == {COUNT: ["01010101", "02020202"]}


def test_results_of_another_machine_are_named_and_left_out(tmp_path: Path) -> None:
    folder = plant(tmp_path, [{COUNT: [1, 2]}])
    stray = plant_commit(folder, 2, {COUNT: [3, 4]}, params={"machine": "other"})
    found = read(folder)
    assert len(found.steps) == 1
    assert found.remarks == (f"left out: {stray.name}: of the machine other, not of box",)


def test_a_broken_file_is_named_and_the_rest_still_read(tmp_path: Path) -> None:
    folder = plant(tmp_path, [{COUNT: [1, 2]}, {COUNT: [1, 2]}])
    (folder / "broken.json").write_text("{")
    plant_commit(folder, 7, {COUNT: [1]})
    found = read(folder)
    assert len(found.steps) == 2
    first, second = found.remarks
    assert "results.bench.Away.track_refused_sends: not as many results as combin" in first
    assert "broken.json: cannot read: not JSON from line 1" in second


def test_a_name_that_would_steer_a_terminal_is_shown_without_it(tmp_path: Path) -> None:
    folder = plant(tmp_path, [{COUNT: [1, 2]}])
    (folder / "\x1b[31m.json").write_text("{")
    (remark,) = read(folder).remarks
    assert "\x1b" not in remark
    assert "?[31m.json" in remark


def test_what_changed_about_the_machine_is_said(tmp_path: Path) -> None:
    folder = plant(tmp_path, [{COUNT: [1, 2]}])
    known = {"machine": "box", "cpu": "a CPU", "num_cpu": "2", "os": "Linux 6.12"}
    plant_commit(folder, 2, {COUNT: [1, 2]}, params=known)
    assert read(folder).remarks == ("not the same at all commits: os: Linux 6.9, Linux 6.12",)


def test_environments_join_but_where_a_commit_has_two(tmp_path: Path) -> None:
    folder = plant(tmp_path, [{COUNT: [1, 2]}])
    known = json.loads((folder / "machine.json").read_text())
    plant_commit(folder, 2, {COUNT: [3, 4]}, env_name="other", params=known)
    found = read(folder)
    assert values(track(found, f"{COUNT} 'gpa'")) == [1, 3]
    assert found.remarks == ("recorded in several environments: virtualenv-py3.11, other",)
    plant_commit(folder, 1, {COUNT: [5, 6]}, env_name="other", params=known)
    found = read(folder)
    assert values(track(found, f"{COUNT} 'gpa' [other]")) == [5, 3]
    assert values(track(found, f"{COUNT} 'gpa' [virtualenv-py3.11]")) == [1, "missing"]


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    folder = plant(tmp_path, [{COUNT: [1, 2], TIME: [1e-3, 1e-3]}])
    assert {one.name for one in read(folder, ["*.track_*"]).tracks} == {COUNT}
    assert [one.title for one in read(folder, ["*'hva'"]).tracks] == [
        f"{COUNT} 'hva'",
        f"{TIME} 'hva'",
    ]


def test_what_the_list_no_longer_has_is_counted(tmp_path: Path) -> None:
    folder = plant(tmp_path, [{COUNT: [1, 2], "bench.Old.track_it": [1]}])
    found = read(folder)
    assert {one.name for one in found.tracks} == {COUNT}
    assert found.remarks == ("left out: 1 benchmarks that benchmarks.json no longer has",)


def test_the_only_machine_of_a_results_folder_is_found(tmp_path: Path) -> None:
    plant(tmp_path, [{COUNT: [1, 2]}])
    assert read(tmp_path).machine == "box"
    plant(tmp_path, [{COUNT: [1, 2]}], machine="other")
    with pytest.raises(UsageError, match="results of several machines: box, other; choose one"):
        read(tmp_path)


def test_a_machine_without_its_file_is_called_as_its_folder(tmp_path: Path) -> None:
    folder = plant(tmp_path, [{COUNT: [1, 2]}])
    (folder / "machine.json").unlink()
    assert read(folder).remarks == (
        "machine.json is missing: the name of the folder stands for the machine",
    )


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (
            lambda f: f.with_name("benchmarks.json").unlink(),
            "benchmarks.json: cannot read: no such",
        ),
        (lambda f: f.with_name("benchmarks.json").write_text("{}"), "not asv's list, version 2"),
        (lambda f: (f / "machine.json").write_text("{}"), "machine.json: cannot read: it names no"),
        (lambda f: next(f.glob("0*.json")).unlink(), "no results of box; asv run writes them"),
        (
            lambda f: f.with_name("benchmarks.json").write_text(
                '{"version": 2, "x": {"unit": "s"}}'
            ),
            "x.type: not there",
        ),
    ],
)
def test_what_cannot_be_read_at_all_is_one_line(spoil: Any, named: str, tmp_path: Path) -> None:
    folder = plant(tmp_path, [{COUNT: [1, 2]}])
    spoil(folder)
    with pytest.raises(UsageError) as refused:
        read(folder)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of asv's results"):
        read(tmp_path)


STRANGE = st.sampled_from((None, True, -1, 0, 1e300, "", "NaN", [], {}, [[]], [None], "x" * 40))


@settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_changed_value_is_refused_or_read(data: st.DataObject, tmp_path: Path) -> None:
    folder = tmp_path / "box"
    if not folder.exists():
        plant(tmp_path, [{COUNT: [1, 2], RATIO: [0.9, 1.0], TIME: [1e-3, 1e-3]}] * 2)
    path = sorted(folder.glob("01*.json"))[0]
    whole = path.read_text()
    content = json.loads(whole)
    place, key = content, data.draw(st.sampled_from(sorted(content)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.integers(0, 4)):
        place = place[key]
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else [0, -1]))
    place[key] = data.draw(STRANGE)
    try:
        path.write_text(json.dumps(content))
        found = read(folder)
    finally:
        path.write_text(whole)
    assert 1 <= len(found.steps) <= 2
    assert all(len(one.points) == len(found.steps) for one in found.tracks)
