"""A series of kernel images on disk: the report, and word for word what each boot brought back."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from xenperf.errors import UsageError
from xenperf.record import layout, untrusted
from xenperf.record.booted import Booted, taken_from
from xenperf.record.checks import (
    Check,
    expect,
    fields,
    having,
    integer,
    items,
    maybe,
    number,
    one_of,
    plain,
    share,
    table,
    text,
)
from xenperf.record.images import Boots
from xenperf.record.recorded import BOOTS, Plain, check_schema, is_ours, line_by_line

MAX_BOOTS: Final = 1600


def _whatever(value: Any, where: str) -> None:
    """Want nothing: who reads a boot looks at it himself."""


SETTINGS: Final = fields(
    {
        "names": items(text, least=1),
        **dict.fromkeys(("boots", "each", "slots", "vcpus", "port"), integer(1)),
        "guest_bits": integer(32, 64),
        "seed": integer(),
        "order": items(text, least=1),
        **dict.fromkeys(("margin", "band"), number),
        "alpha": share,
    },
    {"counted": text},
)
BOOT: Final = fields({"label": text, "run": _whatever, "cases": maybe(_whatever)})
OURS: Final[Mapping[str, Check]] = {
    "kind": one_of("series"),
    "environment": table(plain),
    "settings": SETTINGS,
    "about": table(text),
    "command": layout.command,
    "cut_short": maybe(text),
    "remarks": items(text),
    "images": table(text),
    "sources": text,
    BOOTS: items(BOOT, least=2),
}
"""The keys of such a file that are read again; rows and verdicts are worked out anew."""


@dataclass(frozen=True, slots=True)
class ImageSeries:
    """Everything that the report of a series of kernel images is made from."""

    boots: Boots
    environment: Mapping[str, Plain]
    """Of the host."""

    settings: Mapping[str, Any]
    command: str
    about: Mapping[str, str]
    """Each image by its label, the base first, with what became of it."""

    remarks: tuple[str, ...]
    cut_short: str | None
    images: Mapping[str, str]
    """The digest of each image with its modules, by its label."""

    sources: str
    """The digest of the sources that measured inside (``xenperf.digest``)."""

    @property
    def nr_boots(self) -> int:
        """How many boots ran to their end."""
        return sum(map(len, self.boots.values()))


def document(series: ImageSeries, report: Mapping[str, object]) -> str:
    """Return the text of a file: *report*, the object that JSON shows, and what it is made from."""
    more = {
        "remarks": series.remarks,
        "images": dict(series.images),
        "sources": series.sources,
        BOOTS: [
            {"label": label, "run": boot.run, "cases": boot.cases}
            for label, boots in series.boots.items()
            for boot in boots
        ],
    }
    return line_by_line({**report, **more})


def is_image_series(content: Any) -> bool:
    """Tell whether *content* claims to be such a file."""
    return is_ours(content) and BOOTS in content


def series_of(content: Mapping[str, Any], path: str | os.PathLike[str]) -> ImageSeries:
    """Return what the object *content* of the file at *path* holds; ``UsageError`` if broken."""
    check_schema(content, path)
    with untrusted.refusing(path):
        having(OURS)(content, "")
        _check_boots(content)
    try:
        boots = dict(_boots_of(content))
    except UsageError as error:  # what one boot brought back is no run of ours
        raise untrusted.refusal(path, f"boots: {error}") from None
    return ImageSeries(
        boots=boots,
        environment=content["environment"],
        settings=content["settings"],
        command=content["command"],
        about=content["about"],
        remarks=tuple(content["remarks"]),
        cut_short=content["cut_short"],
        images=content["images"],
        sources=content["sources"],
    )


def _check_boots(content: Mapping[str, Any]) -> None:
    labels, boots = content["about"], content[BOOTS]
    expect(len(boots) <= MAX_BOOTS, BOOTS, f"at most {MAX_BOOTS}")
    expect(content["images"].keys() == labels.keys(), "images", "what about tells of")
    for idx, boot in enumerate(boots):
        expect(boot["label"] in labels, f"{BOOTS}[{idx}].label", "an image of the series")
    expect(len({boot["label"] for boot in boots}) > 1, BOOTS, "of two images")


def _boots_of(content: Mapping[str, Any]) -> Iterator[tuple[str, list[Booted]]]:
    """Yield the boots of each image that has some, in the order of the series."""
    for label in content["about"]:
        taken = [
            taken_from(label, boot["run"], boot["cases"])
            for boot in content[BOOTS]
            if boot["label"] == label
        ]
        if taken:
            yield label, taken
