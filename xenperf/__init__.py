"""What it costs, and what it loses, to find Xen's shared pages by guest address under KVM."""

__version__ = "0.1.0"
