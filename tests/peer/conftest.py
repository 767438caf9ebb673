import pytest

from tests.peer.build import Peer, PeerUnavailableError, compiler, peer
from tests.peer.three_ways import Kernels, three_ways
from xenperf.measure.copies import load_copy


@pytest.fixture(scope="session")
def c_peer() -> Peer:
    """Return the C peer; without a compiler the test is skipped, a failed build is a failure."""
    try:
        compiler()
    except PeerUnavailableError as missing:
        pytest.skip(str(missing))
    return peer()


@pytest.fixture(scope="session")
def ways(c_peer: Peer) -> dict[str, Kernels]:
    """Return the model's kernels compiled, interpreted and in C."""
    return three_ways(c_peer, load_copy(interpreted=True))
