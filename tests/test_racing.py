"""The memory that two threads share, and events raised from Python."""

import pytest

from xenperf.racing import EVENT, STEP, Race, Shared, Target, interpreted_sender
from xenperf.sources import EventSource
from xenperf.units import Hva

TARGET = Target(EventSource.TIMER, 66, (Hva(0x1000), Hva(0x2000)))


def test_records_are_laid_out_as_compiled_code_writes_them() -> None:
    assert EVENT.itemsize == 6 * 8
    assert [EVENT.fields[name][1] for name in EVENT.names] == [0, 8, 16, 24, 32, 40]  # type: ignore[index,union-attr]
    assert STEP.itemsize == 3 * 8
    assert [STEP.fields[name][1] for name in STEP.names] == [0, 8, 16]  # type: ignore[index,union-attr]
    assert [int(word) for word in Shared] == [0, 1, 2, 3]


def test_a_words_value_reaches_from_0_to_all_ones() -> None:
    race = Race.with_room_for(1, 1, 0)
    race.set(Shared.TROUBLE, (1 << 64) - 1)
    assert race.get(Shared.TROUBLE) == (1 << 64) - 1
    assert race.get(Shared.PHASE) == 0


def test_events_are_written_down_until_there_is_no_room() -> None:
    race = Race.with_room_for(1, 3, 0)
    set_at = {Hva(0x2000)}

    def raise_one() -> bool:
        race.set(Shared.PHASE, race.get(Shared.PHASE) + 1)
        return race.get(Shared.PHASE) == 2

    sender = interpreted_sender(raise_one, lambda hva: hva in set_at, TARGET, race)
    assert sender() == 3
    assert race.get(Shared.FULL) == 1
    assert race.events["phase_before"].tolist() == [0, 1, 2]
    assert race.events["phase_after"].tolist() == [1, 2, 3]
    assert race.events["answer"].tolist() == [0, -1, 0]
    assert race.events["places"].tolist() == [2, 2, 2]
    assert (race.events["ended_ns"] >= race.events["begun_ns"]).all()


@pytest.mark.parametrize("nr_events", [0, 2])
def test_a_sender_ends_when_it_is_told_to(nr_events: int) -> None:
    race = Race.with_room_for(1, 10, 0)
    left = [nr_events]

    def raise_one() -> bool:
        left[0] -= 1
        race.set(Shared.STOP, left[0] <= 0)
        return False

    race.set(Shared.STOP, nr_events == 0)
    assert interpreted_sender(raise_one, lambda _: False, TARGET, race)() == nr_events
    assert race.get(Shared.FULL) == 0
