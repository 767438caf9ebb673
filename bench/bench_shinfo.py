"""Activation of shared_info."""

from .common import _Cost, _Request


class ActivateAgain(_Request):
    version = "1"
    name = "shinfo.activate_again"


class ActivateStale(_Cost):
    version = "1"
    name = "shinfo.activate_stale"


class OffAndOn(_Request):
    version = "1"
    name = "shinfo.off_and_on"
