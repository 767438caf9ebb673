"""Telling KVM where shared_info and each vcpu_info are, by guest address or by the VMM's own."""

from xenperf.abi.kvm import HVA_OFF, INVALID_GFN, INVALID_GPA
from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation, Hypervisor
from xenperf.units import Gfn
from xenperf.vmm.machine import OVERLAY_GFN, Machine


def activate_shinfo(
    host: Hypervisor, machine: Machine, activation: Activation, gfn: Gfn = OVERLAY_GFN
) -> int:
    """Activate shared_info at *gfn*, or at the overlay's HVA; 0 or a negative errno."""
    if activation is Activation.GPA:
        return host.activate_shinfo_gfn(gfn)
    return host.activate_shinfo_hva(machine.overlay_hva)


def activate_vcpu_info(
    host: Hypervisor, machine: Machine, activation: Activation, vcpu_idx: int
) -> int:
    """Activate one vCPU's vcpu_info in RAM; 0 or a negative errno."""
    if activation is Activation.GPA:
        return host.activate_vcpu_info_gpa(vcpu_idx, machine.vcpu_info_gpa(vcpu_idx))
    return host.activate_vcpu_info_hva(vcpu_idx, machine.vcpu_info_hva(vcpu_idx))


def activate_all(host: Hypervisor, machine: Machine, activation: Activation) -> None:
    """Activate shared_info and every vcpu_info; ``MeasurementError`` if one does not resolve."""
    outcomes = [activate_shinfo(host, machine, activation)]
    for vcpu_idx in range(host.nr_vcpus):
        outcomes.append(activate_vcpu_info(host, machine, activation, vcpu_idx))
    if any(outcomes):
        raise MeasurementError(f"activation by {activation}", f"failed with {min(outcomes)}")


def deactivate_shinfo(host: Hypervisor, activation: Activation) -> None:
    """Stop using shared_info, by the attribute of *activation*."""
    if activation is Activation.GPA:
        host.activate_shinfo_gfn(INVALID_GFN)
    else:
        host.activate_shinfo_hva(HVA_OFF)


def deactivate_vcpu_info(host: Hypervisor, activation: Activation, vcpu_idx: int) -> None:
    """Stop using a vCPU's vcpu_info, by the attribute of *activation*."""
    if activation is Activation.GPA:
        host.activate_vcpu_info_gpa(vcpu_idx, INVALID_GPA)
    else:
        host.activate_vcpu_info_hva(vcpu_idx, HVA_OFF)
