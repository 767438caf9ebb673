"""Pending bits in the shared page: set one, find all."""

from .common import _Cost


class SetPending(_Cost):
    version = "1"
    name = "pending.set"


class ScanPending(_Cost):
    version = "1"
    name = "pending.scan"
