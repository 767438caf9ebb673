import pickle

import pytest

from xenperf.errors import MeasurementError, UnavailableError, UsageError, XenperfError


class _RequestError(XenperfError):
    """A child whose constructor takes something else than its parent's."""

    def __init__(self, request: str, errno: int) -> None:
        super().__init__(request, f"errno {errno}")
        self.errno = errno


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [(XenperfError, 3), (UsageError, 2), (UnavailableError, 3), (MeasurementError, 3)],
)
def test_each_error_knows_its_exit_code(error: type[XenperfError], exit_code: int) -> None:
    assert error.exit_code == exit_code
    assert error("thing", "reason").exit_code == exit_code


def test_the_message_names_thing_reason_and_remedy() -> None:
    error = UnavailableError("/dev/kvm", "permission denied", "join the group kvm")
    assert str(error) == "/dev/kvm: permission denied; join the group kvm"
    assert (error.thing, error.reason, error.remedy) == (
        "/dev/kvm",
        "permission denied",
        "join the group kvm",
    )


def test_the_remedy_may_be_missing() -> None:
    error = MeasurementError("A/A check", "verdicts differ")
    assert str(error) == "A/A check: verdicts differ"
    assert error.remedy is None


def test_the_message_is_one_line() -> None:
    error = UsageError("--only\n", "matches\r\n  nothing", "see\txenperf list\n")
    assert str(error) == "--only: matches nothing; see xenperf list"


@pytest.mark.parametrize("error", [UsageError("a", "b", "c"), _RequestError("KVM_RUN", 14)])
def test_an_error_crosses_a_process_boundary(error: XenperfError) -> None:
    error.add_note("seen by worker 1")
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)
