"""KVM, modelled: its decisions about event delivery step by step, with their locks and orders."""
