"""What GitHub's markdown makes of a text: its structure, and what of it is prose rather than code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("gfm-like", {"html": True})
# GitHub makes no mention, reference, emoji or formula of what stands in these.
CODE = frozenset({"code", "pre"})


def structure(text: str) -> list[str]:
    """What a text consists of, in order: tokens, and the tags, attributes and comments of its HTML.

    Links are none of it: a file of another name may have none. `addresses` has them.
    """
    return [name for name in _names(PARSER.parse(text)) if not name.startswith("link_")]


def _names(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        yield " ".join(filter(None, (token.type, token.tag, token.info)))
        if token.type in ("html_block", "html_inline"):
            yield from _tags(token.content)
        yield from _names(token.children or ())


def _tags(html: str) -> list[str]:
    parser = _Html()
    parser.feed(html)
    parser.close()
    return parser.tags


class _Html(HTMLParser):
    """Collects tags and, where they aren't code, texts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.prose: list[str] = []
        self.within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(f"<{tag} {' '.join(name for name, _ in attrs)}>")
        self.within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"</{tag}>")
        while self.within and self.within.pop() != tag:
            pass

    def handle_comment(self, data: str) -> None:
        self.tags.append("<!---->")

    def handle_data(self, data: str) -> None:
        if not CODE & set(self.within):
            self.prose.append(data)


def prose(text: str) -> str:
    """What people read of a text that isn't code."""
    parser = _Html()
    parser.feed(PARSER.render(text))
    parser.close()
    return "".join(parser.prose)


def fences(text: str, language: str) -> list[str]:
    """The contents of the code blocks of a language."""
    return [token.content for token in PARSER.parse(text) if token.type == "fence" and token.info == language]


def folded(text: str) -> list[str]:
    """What stands between <details> and </details>, as HTML."""
    return [part.partition("</details>")[0] for part in PARSER.render(text).split("<details")[1:]]


def addresses(text: str) -> list[str]:
    """Where the links go."""
    inner = (child for token in PARSER.parse(text) for child in token.children or ())
    return [str(child.attrs["href"]) for child in inner if child.type == "link_open"]
