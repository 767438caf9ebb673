"""What a VMM does to a VM, told to a ``Hypervisor``: memslots, overlay page, activation."""
