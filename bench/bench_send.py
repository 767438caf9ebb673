"""Sends: what one event costs the sender."""

from .common import _Cost, _Request


class Delivered(_Request):
    version = "1"
    name = "send.delivered"


class Merged(_Request):
    version = "1"
    name = "send.merged"


class Masked(_Request):
    version = "1"
    name = "send.masked"


class ToShadow(_Request):
    version = "1"
    name = "send.to_shadow"


class AndHandle(_Cost):
    version = "1"
    name = "send.and_handle"


class AfterSlotChange(_Cost):
    version = "1"
    name = "send.after_slot_change"


class SlotAbsent(_Request):
    version = "1"
    name = "send.slot_absent"


class BadPort(_Request):
    version = "1"
    name = "request.bad_port"
