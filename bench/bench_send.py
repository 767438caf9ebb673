"""Sends: what one event costs the sender."""

from .common import _Cost


class Delivered(_Cost):
    version = "1"
    name = "send.delivered"


class Merged(_Cost):
    version = "1"
    name = "send.merged"


class Masked(_Cost):
    version = "1"
    name = "send.masked"


class ToShadow(_Cost):
    version = "1"
    name = "send.to_shadow"


class AndHandle(_Cost):
    version = "1"
    name = "send.and_handle"


class AfterSlotChange(_Cost):
    version = "1"
    name = "send.after_slot_change"


class SlotAbsent(_Cost):
    version = "1"
    name = "send.slot_absent"
