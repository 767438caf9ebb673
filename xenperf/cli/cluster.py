"""A connection to a Dask scheduler, for the verbs that can measure on a cluster."""

import contextlib
import importlib
from collections.abc import Iterator
from typing import Final

from xenperf.cli.streams import Streams
from xenperf.errors import UnavailableError
from xenperf.measure.cluster import Cluster

TIMEOUT_S: Final = 10
REMARK: Final = (
    "the workers ran on the machines of a cluster, named at the top, and only cells of one machine "
    "are compared; machine and kernel below are those of the caller"
)


@contextlib.contextmanager
def connected(address: str | None, streams: Streams) -> Iterator[Cluster | None]:
    """Connect to the scheduler at *address* while the block runs; None: no cluster is wanted.

    ``UnavailableError`` if Dask is not installed, nobody answers, or no machine can measure.
    """
    if address is None:
        yield None
        return
    try:
        distributed = importlib.import_module("distributed")
    except ImportError:
        remedy = "pip install 'xenperf[sweep]', or leave --scheduler out"
        raise UnavailableError("--scheduler", "dask.distributed is not installed", remedy) from None
    try:
        client = distributed.Client(address, timeout=TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:  # a timeout is an OSError, too
        reason = f"cannot connect: {error or type(error).__name__}"
        remedy = "give what `dask scheduler` printed, such as tcp://HOST:8786"
        raise UnavailableError(f"scheduler {address}", reason, remedy) from None
    with (
        contextlib.closing(client),
        contextlib.closing(Cluster(client, streams.say)) as cluster,
    ):
        yield cluster
