"""Shares: every piece in exactly one, and the dearer share as cheap as can be made."""

import itertools
from types import CodeType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenperf.jit import INTERPRETED, registry
from xenperf.model import host  # noqa: F401 - defines the kernels
from xenperf.shares import parts_of, two_shares

PIECES = st.dictionaries(
    st.sampled_from("abcdefg"),
    st.dictionaries(st.sampled_from("uvwxyz"), st.integers(1, 9), max_size=4),
    max_size=7,
)


def cost(pieces: dict[str, dict[str, int]], share: tuple[str, ...] | list[str]) -> int:
    union: dict[str, int] = {}
    for name in share:
        union |= pieces[name]
    return sum(union.values())


def same_cost_everywhere(pieces: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """A part costs the same wherever it is used."""
    prices: dict[str, int] = {}
    return {n: {p: prices.setdefault(p, c) for p, c in ps.items()} for n, ps in pieces.items()}


@given(PIECES)
def test_every_piece_is_in_one_share_and_order_is_kept(pieces: dict[str, dict[str, int]]) -> None:
    dear, cheap = two_shares(pieces)
    assert sorted(dear + cheap) == sorted(pieces)
    for share in (dear, cheap):
        assert share == [name for name in pieces if name in share]


@given(PIECES)
def test_no_single_move_would_help_and_the_first_share_is_the_dearer(
    pieces: dict[str, dict[str, int]],
) -> None:
    pieces = same_cost_everywhere(pieces)
    dear, cheap = two_shares(pieces)
    worst = cost(pieces, dear)
    assert worst >= cost(pieces, cheap)
    for name in dear:
        rest = [n for n in dear if n != name]
        assert max(cost(pieces, rest), cost(pieces, [*cheap, name])) >= worst


def test_pieces_with_common_parts_stay_together() -> None:
    pieces = {f"send{i}": {"send": 10, f"s{i}": 1} for i in range(4)}
    pieces |= {f"slot{i}": {"slot": 10, f"t{i}": 1} for i in range(4)}
    shares = [set(share) for share in two_shares(pieces)]
    assert {f"send{i}" for i in range(4)} in shares
    best = min(
        max(cost(pieces, split), cost(pieces, [n for n in pieces if n not in split]))
        for size in range(9)
        for split in itertools.combinations(pieces, size)
    )
    assert max(cost(pieces, list(share)) for share in shares) == best


def helper_step() -> int:
    return 1


def step(value: int) -> int:
    return helper_step() + value


def entry() -> int:
    return step(2)


def test_parts_are_followed_through_names() -> None:
    def unwrap(value: Any) -> CodeType | None:
        return value.__code__ if value in (step, helper_step) else None

    lines = {int(key.rpartition(":")[2]) for key in parts_of(entry, unwrap)}
    assert lines == {f.__code__.co_firstlineno for f in (entry, step, helper_step)}


@pytest.mark.skipif(INTERPRETED, reason="interpreted: nothing is compiled")
def test_a_kernel_knows_the_steps_it_is_made_of() -> None:
    parts = registry["loop_send"].parts()
    files = {key.rpartition(":")[0].rpartition("/")[2] for key in parts}
    assert {"sending.py", "evtchn.py", "pfncache.py", "locks.py", "memslots.py"} <= files
    assert "slot_update.py" not in files
