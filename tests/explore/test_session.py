import multiprocessing

import pytest

from xenperf.explore import session
from xenperf.explore.pair import Found
from xenperf.explore.session import Session, Task
from xenperf.hypervisor import Activation

GPA, HVA = Activation.GPA, Activation.HVA
TASKS = [Task("send", "send", GPA), Task("send", "merge", HVA), Task("send", "flags", GPA)]


def fake(task: Task, nr_preemptions: int) -> Found:
    return Found(task.first, task.second, str(task.activation), nr_preemptions, 1, {}, 0, 0, ())


def test_tasks_come_back_in_the_order_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "explore", fake)
    finished: list[Task] = []
    done = session.run(TASKS, 1, finished.append)
    assert finished == TASKS
    assert done.cut_short is None
    assert [(f.first, f.second, f.activation, f.nr_preemptions) for f in done.found] == [
        (t.first, t.second, t.activation, 1) for t in TASKS
    ]


def test_an_interrupt_keeps_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(task: Task, nr_preemptions: int) -> Found:
        if task is TASKS[1]:
            raise KeyboardInterrupt
        return fake(task, nr_preemptions)

    monkeypatch.setattr(session, "explore", interrupted)
    done = session.run(TASKS, 1, lambda task: None)
    assert (done.cut_short, len(done.found)) == ("interrupted", 1)


def test_results_keep_the_order_of_the_tasks() -> None:
    results = {task: fake(task, 1) for task in reversed(TASKS)}
    assert [f.second for f in Session(TASKS, results).found] == ["send", "merge", "flags"]


@pytest.mark.slow
def test_two_processes_find_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = session.run(TASKS, 1, lambda task: None)
    monkeypatch.setattr(session, "FEWEST_TASKS", 1)
    assert session.run(TASKS, 1, lambda task: None).found == alone.found
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_an_interrupt_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "FEWEST_TASKS", 1)

    def stop(task: Task) -> None:
        raise KeyboardInterrupt

    done = session.run(TASKS, 1, stop)
    assert (done.cut_short, len(done.found)) == ("interrupted", 1)
    for child in multiprocessing.active_children():
        child.join(10)
    assert multiprocessing.active_children() == []
