"""The page walk behind every new mapping."""

from .common import _Cost


class Walk(_Cost):
    version = "1"
    name = "mm.walk"
