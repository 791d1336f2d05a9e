"""Exports of platforms → records. One module per format; a new format is a new module here.

A format module has `NAME`, `sniff(path, head) -> bool` and `read(source, options) -> Iterator[Record | Skip]`; and
`NAMED_FOR_A_PERSON = True` where its files are, so that no report prints a file's name, `TAKES_MAP = True` where its
fields may have any name (`--map`).
Modules whose name starts with "_" are the shared parts. Account ids become keyed tokens before a record
leaves this package, unless `reveal=True`.
"""

from threelines.platforms.read._read import formats, read, shown_names, shown_place
from threelines.platforms.read._source import Note, Options, ReadError, ReadReport, Repair, Skip, Source

__all__ = [
    "Note", "Options", "ReadError", "ReadReport", "Repair", "Skip", "Source", "formats", "read", "shown_names", "shown_place",
]  # fmt: skip
