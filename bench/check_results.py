"""Names and counts what went wrong in a folder of asv results, as far as asv keeps silent about it.

    python bench/check_results.py [results]

A benchmark that failed, a commit of which nothing was recorded (it did not build, or the suite
could not be imported), a file of another machine, a folder without machine.json, a file that asv
cannot have written. Why a benchmark failed is in no file: ``asv run --show-stderr --bench NAME
COMMIT^!`` tells. Exits with 0 when all is well, 1 when something is named, 2 where there are no
results.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path

MACHINE = "machine.json"
ALL = ("",)
NOT_BUILT = "nothing recorded: it did not build, or the suite could not be imported"


class UnreadableError(Exception):
    """A file is not what asv writes."""


def failures(path, machine):
    """Return the commit of a result file, and of each benchmark the combinations that failed.

    ``UnreadableError`` says why it is no such file, or that it is of another machine.
    """
    try:
        content = json.loads(path.read_text())
        names, columns = content["results"], content["result_columns"]
        found = {name: failed(dict(zip(columns, names[name], strict=False))) for name in names}
        commit, measured_on = str(content["commit_hash"]), content["params"]["machine"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableError(f"not a result of asv: {type(error).__name__}: {error}") from None
    if measured_on != machine:
        raise UnreadableError(f"measured on machine {measured_on}; move it to a folder of its own")
    return commit, found


def failed(row):
    """Return the combinations that failed, as text, or ``ALL``; a skipped one has not failed."""
    if row.get("result") is None:
        return ALL
    combinations = itertools.product(*row["params"])
    results = zip(combinations, row["result"], strict=True)
    return [f"({', '.join(values)})" for values, result in results if result is None]


def problems_of_file(path, machine):
    """Yield a line for each thing wrong with one commit's file."""
    try:
        commit, found = failures(path, machine)
    except UnreadableError as error:
        yield f"{path.name}: {error}"
        return
    if all(combinations is ALL for combinations in found.values()):
        yield f"commit {commit[:8]}: {NOT_BUILT}"
        return
    for name, combinations in found.items():
        for combination in combinations:
            yield f"commit {commit[:8]}: {name}{combination}: failed"


def problems_of_machine(folder):
    """Yield a line for each thing wrong with a machine's folder."""
    if not (folder / MACHINE).is_file():
        yield f"no {MACHINE}: asv publish leaves the machine out; asv machine --yes, and run again"
    for path in sorted(folder.glob("*.json")):
        if path.name != MACHINE:
            yield from problems_of_file(path, folder.name)


def report(results, out):
    """Write what is wrong, machine by machine, and the counts; return the exit code."""
    machines = [folder for folder in sorted(results.glob("*")) if any(folder.glob("*.json"))]
    if not machines:
        sys.stderr.write(f"{results}: no results of asv; asv run records them\n")
        return 2
    nr_problems = 0
    for folder in machines:
        commits = [path for path in folder.glob("*.json") if path.name != MACHINE]
        problems = list(problems_of_machine(folder))
        nr_problems += len(problems)
        out.writelines(f"{folder.name}: {line}\n" for line in problems)
        out.write(f"{folder.name}: {len(commits)} files, {len(problems)} problems\n")
    return 1 if nr_problems else 0


def main(argv=None):
    """Check one folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", nargs="?", type=Path, default=Path("results"))
    return report(parser.parse_args(argv).results, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
