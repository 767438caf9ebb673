import shlex
from types import SimpleNamespace

import pytest

from xenperf.cli import request
from xenperf.cli.request import MAX_SEED, Request, askable, command, settings
from xenperf.cli.run import verb
from xenperf.errors import UnavailableError, UsageError
from xenperf.hypervisor import Feature
from xenperf.live.qemu import Machine
from xenperf.measure import environment
from xenperf.measure.plan import DEFAULT_WORKERS, MAX_WORKERS, QUICK_ROUNDS, QUICK_SLICE_NS
from xenperf.scenarios import catalogue


def test_by_default_everything_is_measured_and_compiled_up_front() -> None:
    plan = Request().plan(drawn_seed=7)
    assert plan.names == tuple(catalogue.names())
    assert (plan.workers, plan.seed, plan.compile_all) == (DEFAULT_WORKERS, 7, True)


def test_a_selection_compiles_what_it_needs() -> None:
    plan = Request(only=("gpc.check",)).plan(drawn_seed=7)
    assert (plan.names, plan.compile_all) == (("gpc.check",), False)


def test_quick_is_one_worker_and_what_was_said_counts_more() -> None:
    plan = Request(quick=True).plan(drawn_seed=7)
    assert (plan.workers, plan.rounds, plan.slice_ns) == (1, QUICK_ROUNDS, QUICK_SLICE_NS)
    assert Request(quick=True, workers=5, rounds=3).plan(0).workers == 5


def test_every_worker_of_the_largest_seed_has_a_seed() -> None:
    plan = Request(seed=MAX_SEED, workers=MAX_WORKERS).plan(drawn_seed=7)
    assert plan.for_worker(MAX_WORKERS - 1).seed > MAX_SEED


def test_the_first_wrong_option_is_named() -> None:
    with pytest.raises(UsageError, match="port 1024"):
        Request(port=1024, guest_bits="32").plan(drawn_seed=7)


@pytest.mark.parametrize(
    "request_",
    [
        Request(),
        Request(quick=True, only=("gpc.*", "lock.read"), port=70),
        Request(workers=3, rounds=5, slots=9, vcpus=2, guest_bits="32", seed=4),
    ],
)
def test_the_command_measures_the_same_again(request_: Request) -> None:
    plan = request_.plan(drawn_seed=7)
    program, name, *options = shlex.split(command(request_, plan))
    assert (program, name) == ("xenperf", "run")
    again = Request(**verb.make_context("run", options).params)
    assert again.plan(drawn_seed=99) == plan


def test_the_settings_are_plain_data() -> None:
    found = settings(Request(guest_bits="32").plan(drawn_seed=7))
    assert (found["seed"], found["guest_bits"], found["margin"]) == (7, 32, 0.01)


def test_a_back_end_that_depends_on_the_machine_is_tried_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def backend(name: str) -> None:
        asked.append(name)
        raise UnavailableError(name, "planted")

    monkeypatch.setattr(request, "backend", backend)
    askable(Request().plan(drawn_seed=7))
    with pytest.raises(UnavailableError):
        askable(Request(backend="live").plan(drawn_seed=7))
    assert asked == ["live"]


class _Opened:
    """A back end of a machine that can be asked nothing but whole requests."""

    features = frozenset({Feature.SHINFO_HVA})

    def __enter__(self) -> "_Opened":
        return self

    def __exit__(self, *exc: object) -> None:
        """Own nothing."""


def test_what_a_real_kernel_cannot_be_asked_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = SimpleNamespace(open=lambda size: _Opened())
    monkeypatch.setattr(request, "backend", lambda name: opened)
    wanted = Request(backend="live", only=("gpc.check", "send.delivered", "break_apart"))
    plan, skipped = askable(wanted.plan(drawn_seed=7))
    assert plan.names == ("send.delivered", "break_apart")
    assert skipped == {"gpc.check": "live does not offer steps"}
    alone = Request(backend="live", only=("gpc.check",)).plan(drawn_seed=7)
    with pytest.raises(UnavailableError, match=r"gpc\.check: live does not offer steps"):
        askable(alone)
    assert askable(Request().plan(drawn_seed=7))[1] == {}


def test_where_the_clock_counts_instructions_little_is_measured_and_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counting = Machine(1, 512, hardware=False, counts_instructions=True)
    monkeypatch.setenv(environment.BOOTED, counting.manner)
    plan = Request(backend="live", only=("send.masked",)).plan(drawn_seed=1)
    assert (plan.counts, plan.workers, plan.rounds) == (True, 1, 16)
    assert "slice_ns" not in settings(plan)
    wanted = Request(backend="live", only=("send.masked",), workers=3, rounds=2).plan(drawn_seed=1)
    assert (wanted.workers, wanted.rounds) == (3, 2)
    assert not Request(only=("send.masked",)).plan(drawn_seed=1).counts  # the model needs no kernel
    monkeypatch.setenv(environment.BOOTED, Machine(1, 512, hardware=False).manner)
    assert not Request(backend="live", only=("send.masked",)).plan(drawn_seed=1).counts
