"""The MMU notifier over 32 caches."""

from .common import _Cost, _Request


class UnrelatedPage(_Request):
    version = "1"
    name = "notifier.unrelated_page"


class ReadFirst(_Cost):
    version = "1"
    name = "notifier.read_first"


class WriteLocked(_Cost):
    version = "1"
    name = "notifier.write_locked"
