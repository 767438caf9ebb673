"""Caches: check and refresh."""

from .common import _Cost


class Check(_Cost):
    version = "1"
    name = "gpc.check"


class LockAndCheck(_Cost):
    version = "1"
    name = "gpc.lock_and_check"


class RefreshValid(_Cost):
    version = "1"
    name = "gpc.refresh_valid"


class RefreshStale(_Cost):
    version = "1"
    name = "gpc.refresh_stale"


class RefreshInvalid(_Cost):
    version = "1"
    name = "gpc.refresh_invalid"


class RefreshFailing(_Cost):
    version = "1"
    name = "gpc.refresh_failing"
