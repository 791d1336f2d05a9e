"""One run of `threelines scan`: read, judge, write, report."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click

from threelines.assess import RAISED
from threelines.cli._progress import Stages
from threelines.engine.local import Batch, Plan, run
from threelines.platforms.report import Report, decode
from threelines.records import Record
from threelines.signals import SIGNALS
from threelines.vocabulary.terms import load


class Run:
    """Holds what a scan counts while findings stream out."""

    def __init__(self, options: dict[str, Any], *, report: Path | None, engine: str) -> None:
        self.vocabulary = load(*options["folders"], packs=options["packs"])
        self.options, self.engine, self._report_path = options, engine, report
        self.report = Report(self.vocabulary, inputs=tuple(Path(name).name for name in options["inputs"]))
        self.judged: dict[str, int] = {}
        self.shadow: dict[str, int] = {}
        self._stages: Stages | None = None

    def write(self, records: Iterable[Record], sink: BinaryIO, stages: Stages) -> None:
        """Judge the records and write one line per thread."""
        self._stages = stages
        for batch in run(records, self._plan(), jobs=self.options["jobs"] or 0, progress=stages):
            self._count(batch)
            for found in batch.found:
                sink.write(found.line + b"\n")
                if found.tier != "none" or found.support:
                    self.report.add(decode(found.line), found.texts)
        sink.flush()

    def _plan(self) -> Plan:
        return Plan(
            vocabulary=self.vocabulary,
            detectors=SIGNALS,
            everything=self.options["everything"],
            texts=self._report_path is not None,
        )

    def _count(self, batch: Batch) -> None:
        for kind, number in batch.judged.items():
            self.judged[kind] = self.judged.get(kind, 0) + number
        for indicator, number in batch.shadow.items():
            self.shadow[indicator] = self.shadow.get(indicator, 0) + number

    def finish(self, top: int, terminal: TextIO) -> None:
        """Write the report, and say on the terminal what was found."""
        assert self._stages is not None
        if self._report_path:
            self._report_path.write_text(self.report.page(judged=dict(sorted(self.judged.items()))), encoding="utf-8")
        say = lambda text="": click.echo(text, file=terminal)  # noqa: E731 - one short word for a dozen lines
        rate = self._stages.records / max(self._stages.seconds, 1e-9)
        say(
            f"{self._stages.records:,} records in {self._stages.seconds:.1f} s ({rate:,.0f}/s). Judged: {_listed(self.judged)}."
        )
        tiers = self.report.tiers
        say(
            f"Worth reading (concern {RAISED} or more): "
            + ", ".join(f"{tiers[t]} {t}" for t in ("urgent", "priority", "look"))
        )
        say(f"May need help: {self.report.support}")
        for indicator, number in sorted(self.shadow.items()):
            say(f"On trial: {indicator} would have touched {number} thread{'' if number == 1 else 's'}")
        for assessment in self.report.top()[:top]:
            say()
            say(f"  {assessment.tier.upper():<9} {assessment.thread.kind} {assessment.thread.id}  "
                f"concern {assessment.concern:.2f}  AI use {assessment.ai_use:.2f}{'  may need help' if assessment.support else ''}")  # fmt: skip
            for signal in assessment.signals[:4]:
                name = self.vocabulary.indicators[signal.indicator].name
                quote = " ".join(signal.quote.split())[:70]
                say(f"    {signal.indicator:<8} {name}" + (f": “{quote}”" if quote else ""))
        if self._report_path:
            say(f"\nReport: {self._report_path}")


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {kind}" for kind, number in sorted(counts.items())) or "nothing"
