"""The page in a real browser, which must show it all and have nothing to complain about."""

import re
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.report.html import planted
from tests.report.html.reader import Page, read
from xenperf.report import html
from xenperf.report.model import Report

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--enable-logging=stderr"),
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine"),
]

Browse = Callable[..., str]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Open a report with some flags; return what the browser wrote, and fail if it complained."""

    def run(report: Report, *flags: str) -> str:
        page = tmp_path / "page.html"
        page.write_text(html.render(report), encoding="utf-8")
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        found = subprocess.run(
            [str(BROWSER), *QUIET, profile, *flags, page.as_uri()],
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
        assert [line for line in found.stderr.splitlines() if ":CONSOLE" in line] == []
        return found.stdout

    return run


def test_the_browser_has_every_element_that_was_written(report: Report, browse: Browse) -> None:
    """It moves, drops or adds nothing: what it holds is what was rendered."""
    whole = planted.with_slices(report)
    expected, shown = read(html.render(whole)), read(browse(whole, "--dump-dom"))
    assert shown.errors == []
    assert _named(shown) == _named(expected)
    assert shown.text == expected.text
    for row in report.rows:
        assert row.benchmark in shown.text


def _named(page: Page) -> list[str]:
    return [node.name for node in page.nodes]


def test_the_browser_makes_no_markup_of_a_hostile_name(report: Report, browse: Browse) -> None:
    hostile = "</title></style><script>document.title='run'</script><img src=x onerror=alert(1)>"
    bad = replace(report, command=hostile, backend=hostile, remarks=(hostile,))
    shown = read(browse(bad, "--dump-dom"))
    assert shown.named("script") == shown.named("img") == []
    assert hostile in shown.text


@pytest.mark.parametrize("dark", [(), ("--force-dark-mode",)], ids=["light", "dark"])
def test_light_and_dark_are_two_pictures(
    report: Report, browse: Browse, tmp_path: Path, dark: tuple[str, ...]
) -> None:
    """The first pixel is the page's ground."""
    picture = tmp_path / "page.png"
    browse(report, *dark, f"--screenshot={picture}", "--window-size=900,1200")
    assert (_brightness(picture) < 60) == bool(dark)


def _brightness(picture: Path) -> int:
    """Return the brightest of the colours of a PNG's first pixel, which no filter alters."""
    content, at, packed = picture.read_bytes(), len(b"\x89PNG\r\n\x1a\n"), b""
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        packed += data if kind == b"IDAT" else b""
        at += length + 12
    return max(zlib.decompress(packed)[1:4])


def test_what_is_folded_is_printed_too(report: Report, browse: Browse, tmp_path: Path) -> None:
    """Every row has its pictures on paper, so pages are many more than without them."""
    paper = tmp_path / "page.pdf"
    browse(planted.with_slices(report), f"--print-to-pdf={paper}")
    assert _nr_pages(paper) >= 2 + len(report.costs) / 3
    browse(planted.series(report), f"--print-to-pdf={paper}")
    assert _nr_pages(paper) >= 3


def _nr_pages(paper: Path) -> int:
    counts = re.findall(rb"/Type /Pages\b.*?/Count (\d+)", paper.read_bytes(), re.DOTALL)
    return max(map(int, counts))
