"""pyperf microbenchmarks of the catalogue's costs, by one activation a run.

    python bench/micro/costs.py --activation gpa -o gpa.json
    python bench/micro/costs.py --activation hva -o hva.json
    python -m pyperf compare_to gpa.json hva.json

Two files recorded one after the other share neither process nor minute. What pyperf then calls
significant may be drift; ``xenperf run`` times both activations in turn instead. Options of pyperf
(``--fast``, ``--affinity``, ``-o``, ...) work as usual: docs/micro.md.
"""

import contextlib
from typing import Any

from scripts import Prepare, begin, measure, runner_of

from xenperf.backends import backend
from xenperf.hypervisor import Activation, Loop
from xenperf.scenarios.catalogue import BENCHMARKS
from xenperf.scenarios.kinds import Benchmark, ready
from xenperf.vmm.machine import Shape


def preparing(entry: Benchmark, activation: Activation) -> Prepare:
    """Return what gives a cost a fresh machine and returns its loop."""

    def prepare(stack: contextlib.ExitStack) -> Loop:
        shape = Shape(nr_vcpus=entry.nr_vcpus)
        host = stack.enter_context(backend("model").open(shape.vm_size))
        return entry.prepare(ready(host, shape, activation))

    return prepare


def pass_on(command: list[str], args: Any) -> None:
    """Give worker processes the option that only this script knows."""
    command += ["--activation", args.activation]


def main() -> None:
    """Parse pyperf's options and ours, and run what was asked for."""
    runner = runner_of(__doc__, pass_on)
    runner.argparser.usage = f"%(prog)s --activation gpa|hva {runner.argparser.usage[8:]}"
    runner.argparser.add_argument(
        "--activation", choices=[str(a) for a in Activation], required=True
    )
    args = begin(runner)
    runner.metadata["xenperf_activation"] = args.activation
    activation = Activation(args.activation)
    measure(runner, args, [(one.name, preparing(one, activation)) for one in BENCHMARKS])


if __name__ == "__main__":
    main()
