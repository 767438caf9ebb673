"""What a vCPU does on its way into the guest."""

from .common import _Cost


class Merge(_Cost):
    version = "1"
    name = "vcpu.merge"


class HasInterrupt(_Cost):
    version = "1"
    name = "vcpu.has_interrupt"
