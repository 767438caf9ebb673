"""Single steps: locks, bits, the page walk."""

from .common import _Cost


class SetPending(_Cost):
    version = "1"
    name = "pending.set"


class ScanPending(_Cost):
    version = "1"
    name = "pending.scan"


class ReadLock(_Cost):
    version = "1"
    name = "lock.read"


class WriteLock(_Cost):
    version = "1"
    name = "lock.write"


class Srcu(_Cost):
    version = "1"
    name = "lock.srcu"


class Walk(_Cost):
    version = "1"
    name = "mm.walk"


class BadPort(_Cost):
    version = "1"
    name = "request.bad_port"
