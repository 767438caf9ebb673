"""KVM, asked: the same questions put to a real kernel through /dev/kvm."""
