"""Reads a page as a browser would, and complains where a browser would have to guess."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "br", "hr", "img", "wbr"})


@dataclass
class Node:
    """An element with its attributes and the text directly in it."""

    name: str
    attributes: dict[str, str | None]
    inside: tuple[str, ...]
    text: str = ""


@dataclass
class Page:
    """What was read."""

    nodes: list[Node] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def named(self, name: str) -> list[Node]:
        return [node for node in self.nodes if node.name == name]

    def with_class(self, kind: str) -> list[Node]:
        return [node for node in self.nodes if kind in (node.attributes.get("class") or "").split()]

    @property
    def text(self) -> str:
        """All text that is shown, without the white space between elements."""
        shown = [node.text for node in self.nodes if node.name != "style"]
        return " ".join(" ".join(shown).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[Node] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs), tuple(node.name for node in self.open))
        if len(node.attributes) != len(attrs):
            self.page.errors.append(f"{tag}: an attribute twice")
        self.page.nodes.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].name != tag:
            self.page.errors.append(f"</{tag}> closes {[node.name for node in self.open[-1:]]}")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1].text += data


def read(html: str) -> Page:
    """Return the elements of *html*, and what is wrong with their nesting."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.page.errors += [f"<{node.name}> stays open" for node in reader.open]
    return reader.page
