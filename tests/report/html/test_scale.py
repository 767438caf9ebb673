import itertools
import math

import pytest

from xenperf.report.html.scale import Linear, padded, stretched_over


def test_an_axis_ends_where_it_should_and_holds_what_lies_outside_at_its_edge() -> None:
    axis = Linear(10.0, 20.0, 100.0, 0.0)
    assert [axis.at(value) for value in (10.0, 15.0, 20.0, 99.0, -1.0)] == [
        100.0,
        50.0,
        0.0,
        0.0,
        100.0,
    ]


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.97, 1.031, ["0.98", "1.00", "1.02"]),
        (-0.021, 0.052, ["-0.02", "0.00", "0.02", "0.04"]),
        (0.05, 0.0625, ["0.0500", "0.0525", "0.0550", "0.0575", "0.0600", "0.0625"]),
        (0.0, 100.0, ["0", "20", "40", "60", "80", "100"]),
    ],
)
def test_ticks_are_round_and_their_labels_exact(low: float, high: float, labels: list[str]) -> None:
    ticks = Linear(low, high, 0.0, 1.0).ticks(5)
    assert [text for _, text in ticks] == labels
    for value, text in ticks:
        assert float(text) == pytest.approx(value)


def test_the_axis_of_ratios_treats_both_directions_alike() -> None:
    axis = stretched_over([0.25, 4.0], 0.03, 200.0)
    middle = axis.at(1.0)
    for ratio in (1.01, 1.5, 3.0):
        assert axis.at(ratio) - middle == pytest.approx(middle - axis.at(1 / ratio), rel=1e-6)


def test_the_axis_of_ratios_gives_one_percent_room_beside_a_large_change() -> None:
    axis = stretched_over([0.1, 1.2], 0.03, 280.0)
    assert axis.at(1.01) - axis.at(1.0) > 5.0
    assert axis.at(0.1) < axis.at(0.2) < axis.at(0.5)


def test_what_is_infinite_or_absurd_does_not_stretch_the_axis() -> None:
    axis = stretched_over([0.9, math.inf, 1e300, 1e-300], 0.03, 280.0)
    assert 0.8 < axis.low < 0.9
    assert axis.high < 1.1
    assert axis.at(math.inf) == 280.0
    assert axis.at(1e-300) == 0.0


def test_labels_of_ratios_keep_their_distance() -> None:
    axis = stretched_over([0.002, 500.0], 0.03, 280.0)
    pixels = [axis.at(ratio) for ratio, _ in axis.ticks()]
    assert len(pixels) >= 5
    assert all(b - a >= 28 for a, b in itertools.pairwise(pixels))


def test_a_single_value_gets_an_axis_too() -> None:
    axis = padded([0.5], (0.0, 10.0), least=0.01)
    assert (axis.low, axis.high) == (pytest.approx(0.495), pytest.approx(0.505))
    assert padded([math.nan, math.inf], (0.0, 1.0), least=0.1).holds(1.0)
