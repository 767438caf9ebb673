"""Workers on the machines of a Dask cluster: one at a time on each, and each names its machine."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from xenperf.errors import MeasurementError, UnavailableError
from xenperf.measure import remote
from xenperf.measure.cells import plan_of_worker
from xenperf.measure.plan import Plan

Message = dict[str, Any]
LOOK_S: Final = 0.5
"""How long is waited at a stretch, so that Ctrl-C is heard."""


class Future(Protocol):
    """A call that runs somewhere else."""

    def result(self) -> Any:
        """Wait for what it returned, or raise what it raised."""


class Client(Protocol):
    """What is used of ``distributed.Client``."""

    def scheduler_info(self, n_workers: int = ...) -> Mapping[str, Any]:
        """Return what the scheduler knows, ``workers`` by their addresses among it."""

    def submit(self, func: Callable[..., Any], *args: Any, **options: Any) -> Future:
        """Call *func* on a worker."""


class Cluster:
    """The machines behind *client*, each by the address of one of its Dask workers."""

    def __init__(self, client: Client, say: Callable[[str], None]) -> None:
        """Find the machines; *say* gets a line for each that is given up later.

        ``UnavailableError`` where there is none, or one that would measure something else.
        """
        self._client = client
        self._say = say
        self._due: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._done: dict[int, list[Message]] = {}
        self._failed: dict[str, str] = {}
        self._changed = threading.Condition()
        self._begun = False
        self._nr_left = 0
        self.addresses: dict[str, str] = {}
        self.about: dict[str, str] = {}
        self._look()

    def said_by(self, plan: Plan, worker_idx: int) -> Iterator[Message]:
        """Yield what the worker of this number said, on whichever machine was free for it.

        The first call sends off all workers from *worker_idx* on, so later ones are under way
        already. ``MeasurementError`` when every machine has failed.
        """
        if not self._begun:
            self._begin(plan, worker_idx)
        with self._changed:
            while worker_idx not in self._done:
                if len(self._failed) == len(self.addresses):
                    name, reason = next(iter(self._failed.items()))
                    raise MeasurementError(f"machine {name}", reason)
                self._changed.wait(LOOK_S)
        yield from self._done.pop(worker_idx)

    def close(self) -> None:
        """Send nothing more; what runs elsewhere comes to its end there."""
        self._nr_left = 0

    def _look(self) -> None:
        seen: set[str] = set()
        here = remote.sources()
        for address in sorted(self._client.scheduler_info(n_workers=-1)["workers"]):
            found = self._asked(address)
            if found["sources"] != here:
                reason = "it has other sources, versions or settings of xenperf"
                remedy = "install there what runs here"
                raise UnavailableError(f"machine {found['name']}", reason, remedy)
            if found["boot"] not in seen:
                seen.add(found["boot"])
                name = found["name"]
                name = name if name not in self.addresses else f"{name} {len(seen)}"
                self.addresses[name], self.about[name] = address, found["about"]
        if not self.addresses:
            raise UnavailableError("scheduler", "it has no worker", "start some: dask worker")

    def _asked(self, address: str) -> dict[str, str]:
        try:
            found: dict[str, str] = self._call(remote.who, address)
        except Exception as error:  # a cluster hands on whatever was raised there
            reason = f"cannot run xenperf: {type(error).__name__}: {error}"
            remedy = "install there what runs here"
            raise UnavailableError(f"worker {address}", reason, remedy) from error
        return found

    def _call(self, function: Callable[..., Any], address: str, *args: Any) -> Any:
        """Call *function* on this very worker, anew each time."""
        options = {"workers": [address], "allow_other_workers": False, "pure": False}
        return self._client.submit(function, *args, **options).result()

    def _begin(self, plan: Plan, first: int) -> None:
        """Let each machine take one worker after another; what one fails at, another gets."""
        self._begun = True
        self._nr_left = plan.workers - first
        for worker_idx in range(first, plan.workers):
            self._due.put(worker_idx)
        for name in self.addresses:
            threading.Thread(target=self._serve, args=(name, plan), daemon=True).start()

    def _serve(self, name: str, plan: Plan) -> None:
        while self._nr_left > 0:
            try:
                worker_idx = self._due.get(timeout=LOOK_S)
            except queue.Empty:
                continue  # a machine that fails gives its worker back
            one = plan_of_worker(plan, worker_idx)
            try:
                said = self._call(remote.measured, self.addresses[name], one.to_json())
            except Exception as error:  # a cluster hands on whatever was raised there
                self._give_up(name, worker_idx, error)
                return
            said[0]["machine"] = name
            with self._changed:
                self._done[worker_idx] = said
                self._nr_left -= 1
                self._changed.notify_all()

    def _give_up(self, name: str, worker_idx: int, error: Exception) -> None:
        if self._nr_left <= 0:  # closed meanwhile
            return
        reason = " ".join(str(error).split()) or type(error).__name__
        self._due.put(worker_idx)
        with self._changed:
            self._failed[name] = reason
            self._changed.notify_all()
        self._say(f"machine {name}: given up: {reason}")
