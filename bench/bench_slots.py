"""Memslots: search, and the overlay laid and taken away."""

from .common import _Cost


class OverlayCycle(_Cost):
    version = "1"
    name = "slots.overlay_cycle"


class Lookup(_Cost):
    version = "1"
    name = "slots.lookup"


class Search(_Cost):
    version = "1"
    name = "slots.search"


class SearchBranches(_Cost):
    version = "1"
    name = "slots.search_branches"
