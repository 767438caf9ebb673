import pytest

from tests.peer.build import Peer, PeerUnavailableError, compiler, peer
from tests.peer.three_ways import Kernels, three_ways
from xenperf import jit
from xenperf.copies import load_copy
from xenperf.model.patches import CHOSEN, KERNELS


@pytest.fixture(scope="session")
def c_peer() -> Peer:
    """Return the C peer; without a compiler the test is skipped, a failed build is a failure."""
    _need_compiler()
    return peer()


@pytest.fixture(scope="session", params=sorted(KERNELS))
def ways(request: pytest.FixtureRequest) -> dict[str, Kernels]:
    """Return the kernels of each modelled Linux kernel compiled, interpreted and in C."""
    _need_compiler()
    patches = KERNELS[request.param]
    compiled = jit if patches == CHOSEN else load_copy(switches=patches).module("xenperf.jit")
    interpreted = load_copy(switches=patches, interpreted=True)
    return three_ways(peer(patches=patches), interpreted, compiled.registry)


def _need_compiler() -> None:
    try:
        compiler()
    except PeerUnavailableError as missing:
        pytest.skip(str(missing))
