"""Layouts and numbers that Xen and KVM fixed, each with its source; nothing here decides."""
