"""Checkouts of the package with one fault in the model."""

import shutil
from pathlib import Path

import xenperf

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
