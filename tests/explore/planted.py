"""Checkouts of the package with one fault in the model."""

import shutil
from pathlib import Path

import xenperf

RECORD = "test_and_set_bit(vm + VM_POLL_MASK, U64(load32(vcpu + VCPU_VCPU_IDX)))\n"
NOTHING_PENDING = "if not _has_pending_port(vm, cpu, ports, nr):\n"
Fault = tuple[str, list[tuple[str, str]]]
FAULTS: dict[str, Fault] = {
    "split_test_and_set": (
        "bits",
        [
            ("    load64,\n", "    load64,\n    store64,\n"),
            (
                "return bit_test_and_set64(bitmap + ((bit >> SIX) << THREE), bit & BIT_MASK64)",
                "old = load64(bitmap + ((bit >> SIX) << THREE))\n"
                "    store64(bitmap + ((bit >> SIX) << THREE), old | ONE << (bit & BIT_MASK64))\n"
                "    return bool(old >> (bit & BIT_MASK64) & ONE)",
            ),
        ],
    ),
    "no_retry": ("pfncache", [("if not must_retry(vm, seq):", "if seq == seq:")]),
    "walk_under_lock": (
        "pfncache",
        [
            ("write_unlock(gpc)\n        pfn = gup", "pfn = gup"),
            ("hva)\n        write_lock(gpc)\n        if pfn", "hva)\n        if pfn"),
        ],
    ),
    "no_write_lock": (
        "notifier",
        [
            ("    write_lock(gpc)\n    if _is_hit", "    if _is_hit"),
            ("INVALIDATED)\n    write_unlock(gpc)\n", "INVALIDATED)\n"),
        ],
    ),
    "locks_in_another_order": (
        "activation",
        [
            (
                "            write_unlock(gpc)\n            _delist(vm, gpc)\n",
                "            _delist(vm, gpc)\n            write_unlock(gpc)\n",
            )
        ],
    ),
    "senders_are_not_held": (
        "atomic_update",
        [
            ("_hold_senders(vm)\n        store", "store"),
            ("prepared)\n        _release_senders(vm)", "prepared)"),
        ],
    ),
    "activation_always_succeeds": (
        "shinfo",
        [("return rc\n\n\n@op\ndef activate_vcpu", "return ZERO\n\n\n@op\ndef activate_vcpu")],
    ),
    "masked_events_are_told": (
        "evtchn",
        [
            (
                "            _check_poller(vm, vcpu, port)\n",
                "            _check_poller(vm, vcpu, port)\n"
                "            _select_word(vm, vcpu, port >> SIX)\n",
            )
        ],
    ),
    "merged_events_are_told": (
        "evtchn",
        [("            rc = ZERO\n", "            rc = ZERO\n            told = True\n")],
    ),
    "selector_of_32_bits": ("evtchn", [("SIX if long_mode else FIVE", "FIVE")]),
    "timer_stays_set": (
        "timer",
        [("_VIRQ)))\n        store64(vcpu + VCPU_TIMER_EXPIRES, ZERO)\n", "_VIRQ)))\n")],
    ),
    "poll_is_recorded_too_late": (
        "poll",
        [(f"    {RECORD}    {NOTHING_PENDING}", f"    {NOTHING_PENDING}        {RECORD}")],
    ),
    "deactivation_leaves_it_active": (
        "activation",
        [("store8(gpc + GPC_ACTIVE, BYTE0)\n            _forget", "_forget")],
    ),
    "mode_switch_clears_masks": (
        "shinfo",
        [
            (
                "long_mode != ZERO))\n",
                "long_mode != ZERO))\n"
                "    store32(load64(vm + VM_SHINFO + GPC_KHVA) + U64(0xA00), U32(0))\n",
            )
        ],
    ),
    "wakeup_queues_nothing": ("irqfd", [("fetch_or32(record + GSI_IS_QUEUED, W1)", "pass")]),
}
"""By name: the module of the model, and what is replaced there by what."""


def planted(folder: Path, fault: str) -> Path:
    """Return the package's folder of a checkout with that fault."""
    package = folder / "xenperf"
    here = Path(xenperf.__file__).parent
    shutil.copytree(here, package, ignore=shutil.ignore_patterns("__pycache__"))
    module, replacements = FAULTS[fault]
    path = package / "model" / f"{module}.py"
    content = path.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in content, f"{fault}: {path.name} no longer has {old!r}"
        content = content.replace(old, new)
    path.write_text(content, encoding="utf-8")
    return package
