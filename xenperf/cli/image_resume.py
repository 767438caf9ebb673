"""A stopped series of kernel images booted to its end: everything it was told is in the file."""

import shlex
from dataclasses import replace
from typing import Any

import click

from xenperf.cli import image_options, image_series, series
from xenperf.cli.formats import JSON
from xenperf.cli.image_options import Asked
from xenperf.cli.images import Found, identities_of
from xenperf.cli.request import Request
from xenperf.cli.same import check_conditions
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError, XenperfError
from xenperf.record.image_file import ImageSeries


def go_on(begun: ImageSeries, file: str, streams: Streams, *, strict: bool) -> int:
    """Boot what is left of the series in *file*, report to it, and return the exit code.

    An image that gave no answer is tried again. ``UsageError`` where images, sources or machine
    are not what they were.
    """
    request, asked = _asked(begun, file)
    found = Found(boots={label: list(boots) for label, boots in begun.boots.items()})
    today = image_series.environment_of(found.manner)
    check_conditions(file, begun.command, (begun.environment, today), begun.sources)
    images = identities_of(asked)
    for label, path in asked.images.items():
        if images[label].digest != begun.images[label]:
            reason = f"cannot be resumed: {path}, or a module, is not what was booted as {label}"
            raise UsageError(file, reason, f"measure from the start: {begun.command}")
    request = replace(request, strict=strict, output=file, format=JSON)
    return image_series.measure(request, asked, images, streams, found)


def _asked(begun: ImageSeries, file: str) -> tuple[Request, Asked]:
    """Return what the verb was told; ``UsageError`` if the command in the file is not its own."""
    try:
        tool, verb, *words = shlex.split(begun.command)
        given: dict[str, Any] = dict(series.verb.make_context(f"{tool} {verb}", words).params)
        is_plain = not (given.pop("names") or given.pop("model"))
        del given["repo"]
        asked = image_options.taken_from(given)
        request = Request(**given)
    except (ValueError, click.ClickException, XenperfError) as error:
        reason = f"cannot be resumed: its command does not work: {error}"
        raise UsageError(file, reason, "measure from the start") from None
    if asked is None or not is_plain or asked.images.keys() != begun.images.keys():
        reason = "cannot be resumed: its command is not of these images"
        raise UsageError(file, reason, "measure from the start")
    return request, asked
