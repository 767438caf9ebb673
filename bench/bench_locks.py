"""The locks around every step."""

from .common import _Cost


class ReadLock(_Cost):
    version = "1"
    name = "lock.read"


class WriteLock(_Cost):
    version = "1"
    name = "lock.write"


class Srcu(_Cost):
    version = "1"
    name = "lock.srcu"
