"""The model as a VM that two threads may ask: behind a lock, and with loops in plain Python."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from xenperf.hypervisor import Hypervisor, MemoryRegion
from xenperf.racing import Player, Race, Sender, Shared, Target


class OneAtATime:
    """The model, which knows one processor, behind a lock: requests still come in any order."""

    compiled: frozenset[str] = frozenset()

    def __init__(self, host: Hypervisor) -> None:
        self._host, self._lock = host, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._host, name)
        if not callable(found):
            return found

        def locked(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                return found(*arguments, **options)

        return locked

    def race_sender(self, target: Target, race: Race) -> Sender | None:
        return None

    def race_player(self, steps: Sequence[MemoryRegion | None], race: Race) -> Player:
        def play(until_ns: int) -> int:
            done = 0
            while (
                time.monotonic_ns() < until_ns
                and done + len(steps) <= len(race.steps)
                and not race.get(Shared.FULL)
            ):
                for step in steps:
                    race.set(Shared.PHASE, race.get(Shared.PHASE) + 1)
                    begun, answer = time.monotonic_ns(), self.one_step(step, race)
                    race.steps[done] = begun, time.monotonic_ns(), answer
                    done += 1
                    if answer:
                        return done
            return done

        return play

    def one_step(self, step: MemoryRegion | None, race: Race) -> int:
        """Make one request, or rest; return what was answered."""
        if step is None:
            time.sleep(race.rest_us / 1e6)
            return 0
        (answer,) = self.set_memory_regions([step])
        return int(answer)
