"""`threelines read`: any export as generic JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from threelines.cli._inputs import counted, input_options, open_records, refuse_nothing, show_report
from threelines.cli._outputs import OutFile, keep_apart, written

if TYPE_CHECKING:
    from threelines.records import Record


@click.command(short_help="Turn exports of any known format into generic JSON lines.")
@input_options
@click.option("--out", type=OutFile(), help="Write here instead of to stdout.")
def command(out: Path | None, **options: Any) -> None:
    """Turn exports into one generic form: a JSON object per line.

    Formats are found by themselves: generic JSON lines, JSON, CSV and Parquet, Telegram Desktop, WhatsApp, Facebook,
    Messenger, Instagram, SMS Backup & Restore, DiscordChatExporter, mbox, Reddit, Mastodon; each also as .gz. A folder stands for all files in it.

    Account ids become tokens under a key that stays with you (--key-file, or THREELINES_KEY); --reveal keeps
    them. The words of messages stay as written: treat the result as personal data.

    \b
    Examples:
      threelines read result.json --out records.jsonl
      threelines read "WhatsApp Chat with Jobs.txt"
      threelines read adverts.csv --map text=title --map text=description --map author=poster --map kind:=advert
      threelines read export/ --strict --out records.jsonl
    """
    from threelines.platforms.read import ReadReport

    keep_apart([("--out", out)], options["inputs"])
    report = ReadReport()
    records = counted(open_records(options, report), "reading")
    if out is None:
        _write(records, sys.stdout.buffer)
        show_report(report)
        refuse_nothing(report)
    else:
        with written(out) as file:
            _write(records, file)
            show_report(report)
            refuse_nothing(report)


def _write(records: Iterator[Record], file: BinaryIO) -> None:
    import msgspec

    encoder, buffer = msgspec.json.Encoder(), bytearray()
    for record in records:
        buffer += encoder.encode(record)
        buffer += b"\n"
        if len(buffer) > 1 << 16:
            file.write(buffer)
            buffer.clear()
    file.write(buffer)
    file.flush()
