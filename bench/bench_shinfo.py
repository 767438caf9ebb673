"""Activation of shared_info."""

from .common import _Cost


class ActivateAgain(_Cost):
    version = "1"
    name = "shinfo.activate_again"


class ActivateStale(_Cost):
    version = "1"
    name = "shinfo.activate_stale"


class OffAndOn(_Cost):
    version = "1"
    name = "shinfo.off_and_on"
