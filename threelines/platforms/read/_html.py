"""The words of an HTML fragment, in time that grows with its length alone, whatever is broken in it.

The standard parser ends with an AssertionError at `<![>`, and reads the rest again for each tag or comment that nobody closes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_BREAKS = frozenset(("br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table"))
_SILENT = {
    name: re.compile(f"</{name}(?=[\\s/>])" + ("|<body(?=[\\s/>])" if name == "head" else ""), re.I)
    for name in ("script", "style", "head", "title", "template")
}
"""Elements whose words nobody sees → where they end."""
_TAG = re.compile(r"/?([a-zA-Z][^\s/<>]{0,40})")
_ENDS = re.compile(r">|=\s*[\"']")
_LONG_NUMBER = re.compile(r"&#(?:[0-9]{20,}|[xX][0-9a-fA-F]{20,});?")


def words_of(text: str) -> str:
    """Return the text of HTML, a line for each block; a tag, comment or silent element without an end hides nothing."""
    lines = (" ".join(line.split()) for line in "".join(_Markup(text).pieces()).split("\n"))
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


class _Markup:
    """One pass over a text: of what was once looked for in vain nothing is looked for again."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._missing = set[str]()

    def pieces(self) -> Iterator[str]:
        """Yield words and line breaks."""
        text, done = self._text, 0
        while (start := text.find("<", done)) >= 0:
            if start > done:
                yield _plain(text[done:start])
            done, between = self._behind(start)
            yield between
        yield _plain(text[done:])

    def _behind(self, start: int) -> tuple[int, str]:
        """Return where the markup that begins here ends, and what stands for it; a "<" that begins none is a letter."""
        text = self._text
        if text.startswith("<!--", start):
            if text.startswith((">", "->"), start + 4):  # an empty comment
                return text.index(">", start) + 1, ""
            end = self._find("-->", start + 4)
            return (end + 3 if end >= 0 else start + 4), ""
        tag = _TAG.match(text, start + 1)
        if tag:
            end = self._end_of_tag(tag.end())
        elif text.startswith(("!", "?", "/"), start + 1):
            end = self._find(">", start)
        else:
            end = -1
        if end < 0:
            return start + 1, "<"
        name = tag[1].lower() if tag else ""
        if name in _SILENT and text[start + 1] != "/":
            end = self._end_of_silence(name, end)
        return end + 1, "\n" if name in _BREAKS else ""

    def _end_of_tag(self, start: int) -> int:
        """Return where the ">" of a tag stands, not one in quotes; -1 where it has none."""
        if "tag" in self._missing:  # one was open to the end of the text: from there on quotes are letters
            return self._find(">", start)
        found = _ENDS.search(self._text, start)
        while found and found[0] != ">":
            end = self._find(found[0][-1], found.end())
            found = _ENDS.search(self._text, found.end() if end < 0 else end + 1)
        if found:
            return found.start()
        self._missing.add("tag")
        return self._find(">", start)

    def _end_of_silence(self, name: str, start: int) -> int:
        """Return the last letter before the tag that ends an element; where none does, its words are read."""
        if name not in self._missing:
            if found := _SILENT[name].search(self._text, start):
                return found.start() - 1
            self._missing.add(name)
        return start

    def _find(self, mark: str, start: int) -> int:
        if mark in self._missing:
            return -1
        found = self._text.find(mark, start)
        if found < 0:
            self._missing.add(mark)
        return found


def _plain(text: str) -> str:
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text)) if "&" in text else text
