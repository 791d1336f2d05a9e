"""One run of `threelines scan`: read, judge, write, report."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TextIO

import click
import msgspec

from threelines.assess import RAISED
from threelines.cli._inputs import said_at_end, shown_names, unread_told
from threelines.cli._outputs import visible, written
from threelines.cli._progress import Stages
from threelines.engine.calibrate import Days, Threshold, parse_budget, parse_rate
from threelines.engine.local import Batch, Plan, no_progress, run
from threelines.link.translated import Place
from threelines.platforms.read import ReadReport
from threelines.platforms.report import Report, decode
from threelines.records import Assessment, Record, Signal, Thread
from threelines.signals import SIGNALS, Detector
from threelines.vocabulary.terms import Vocabulary, load

if TYPE_CHECKING:
    from threelines.platforms.analyst import Analyst
    from threelines.platforms.media import Tally


class Run:
    """Holds what a scan counts while findings stream out."""

    def __init__(self, options: dict[str, Any], *, report: Path | None, engine: str) -> None:
        self.vocabulary = load(*options["folders"], packs=options["packs"])
        _refuse_unknown(self.vocabulary)
        self._rate = parse_rate(options["rate"]) if options["rate"] else None
        self._budget = parse_budget(options["budget"]) if options["budget"] else None
        self.options, self.engine, self._report_path = options, engine, report
        self.report = Report(self.vocabulary, inputs=shown_names(options) if report else ())
        self.reading = ReadReport()
        """Filled by the reader of the records that `write` is given."""
        self.judged: dict[str, int] = {}
        self.shadow: dict[str, int] = {}
        self.told, self._raised = "", f"concern {RAISED} or more"
        self._concerns = array("d")
        self._days = Days()
        self._unsigned = 0
        self._stages: Stages | None = None
        self.analyst: Analyst | None = None
        self.pictures: Tally | None = None

    def write(self, records: Iterable[Record], sink: BinaryIO, stages: Stages) -> None:
        """Judge the records and write one line per thread."""
        self._stages = stages
        records = said_at_end(records, self.reading)
        if self._rate is None and self._budget is None:
            self._stream(self._noted(records), sink)
        else:
            with tempfile.TemporaryFile() as waiting:
                self._lay_down(self._noted(records), waiting)
                waiting.seek(0)
                self._pass_on(waiting, sink)
        sink.flush()

    def _noted(self, records: Iterable[Record]) -> Iterator[Record]:
        """Note the days covered, which turn a budget a day into a rate, and records that nobody signs."""
        if self.options["media"]:
            records = self._with_media(records)
        for record in records:
            if record.time and self._budget is not None:
                self._days.add(record.time.timestamp())
            self._unsigned += not record.author and record.kind != "system"
            yield record

    def _with_media(self, records: Iterable[Record]) -> Iterator[Record]:
        from threelines.platforms.media import Tally, inspect, with_media
        from threelines.platforms.ocr import languages_for

        self.pictures = Tally(packs=languages_for(self.options["ocr_languages"]))
        return with_media(
            records, self.options["media"], partial(inspect, languages=self.pictures.packs),
            jobs=self.options["jobs"] or os.cpu_count() or 1, tally=self.pictures, progress=self._stages or no_progress,
        )  # fmt: skip

    def _stream(self, records: Iterable[Record], sink: BinaryIO) -> None:
        for batch in self._batches(records):
            self._count(batch)
            for found in batch.found:
                sink.write(found.line + b"\n")
                if self._is_told(found.kind, found.tier, support=found.support):
                    self.report.add(decode(found.line), found.texts)

    def _is_told(self, kind: str, tier: str, *, support: bool) -> bool:
        """Whether the report shows a finding: with `--all` networks, too, of which most raise nothing by themselves."""
        return tier != "none" or support or (kind == "network" and self.options["everything"])

    def _lay_down(self, records: Iterable[Record], waiting: IO[bytes]) -> None:
        """Write for each finding a line, and below it the texts that a report shows of it: `{}` for most."""
        for batch in self._batches(records):
            self._count(batch)
            for found in batch.found:
                waiting.write(found.line + b"\n" + msgspec.json.encode(found.texts) + b"\n")

    def _batches(self, records: Iterable[Record]) -> Iterator[Batch]:
        if self.engine == "spark":
            from threelines.cli._spark import batches

            yield from batches(
                self._counted(records), self.vocabulary, everything=self.options["everything"],
                texts=self._report_path is not None, region=self.options["region"],
            )  # fmt: skip
        else:
            yield from run(records, self._plan(), jobs=self.options["jobs"] or 0, progress=self._stages or no_progress)

    def _counted(self, records: Iterable[Record]) -> Iterator[Record]:
        progress = self._stages or no_progress
        for record in records:
            progress("reading", 1)
            yield record

    def _pass_on(self, waiting: IO[bytes], sink: BinaryIO) -> None:
        """Write what the platform's own level leaves raised; the level is set from this data, and never below `RAISED`."""
        threshold = self._threshold()
        self.told, self._raised = threshold.told(floor=RAISED), threshold.shown(floor=RAISED)
        if self._budget is not None and not self._days:
            self.told += " No record has a time, so all count as one day."
        for line, texts in zip(waiting, waiting, strict=True):  # one file, two lines at a time
            assessment = decode(line)
            if assessment.tier != "none" and not threshold.raises(assessment.concern):
                assessment = msgspec.structs.replace(assessment, tier="none")
            if assessment.tier != "none" or assessment.support or self.options["everything"]:
                sink.write(msgspec.json.encode(assessment) + b"\n")
            if self._is_told(assessment.thread.kind, assessment.tier, support=assessment.support):
                self.report.add(assessment, msgspec.json.decode(texts, type=dict[str, str]))

    def _threshold(self) -> Threshold:
        quiet = sum(self.judged.values()) - len(self._concerns)
        scores = chain(repeat(0.0, quiet), self._concerns)
        if self._rate is not None:
            return Threshold.for_rate(scores, self._rate)
        assert self._budget is not None
        return Threshold.for_budget(scores, self._budget, days=self._days.count())

    def _plan(self) -> Plan:
        labels = None
        if self.options["adapter"]:
            from threelines.platforms.adapter import Adapter

            labels = Adapter.load(self.options["adapter"]).labels
        return Plan(
            vocabulary=self.vocabulary,
            detectors=self._detectors(),
            second_look=self._analyst(),
            everything=self.options["everything"],
            texts=self._report_path is not None,
            labels=labels,
            region=self.options["region"],
            place=self._place(),
        )

    def _place(self) -> Place | None:
        if not self.options["semantic"]:
            return None
        from threelines.link.placing import Placing

        return Placing()

    def _detectors(self) -> tuple[Detector, ...]:
        if not self.options["semantic"]:
            return SIGNALS
        from threelines.signals.semantic import semantic_closeness

        return (*SIGNALS, semantic_closeness(None, self.vocabulary))

    def _analyst(self) -> Callable[[Thread, Assessment], Iterable[Signal]] | None:
        """Open the analyst; its budget is kept in one process, so one process judges."""
        if not self.options["analyst"]:
            return None
        from threelines.platforms.analyst import Analyst, Budget

        self.options["jobs"] = 1
        self.analyst = Analyst(
            self.options["analyst"],
            self.options["analyst_model"],
            vocabulary=self.vocabulary,
            log=self.options["analyst_log"],
            key=self.options["analyst_key"],
            budget=Budget(tokens=self.options["analyst_tokens"], seconds=self.options["analyst_seconds"]),
        )
        return self.analyst.read

    def _count(self, batch: Batch) -> None:
        self._concerns.extend(batch.concerns)
        for kind, number in batch.judged.items():
            self.judged[kind] = self.judged.get(kind, 0) + number
        for indicator, number in batch.shadow.items():
            self.shadow[indicator] = self.shadow.get(indicator, 0) + number

    def _told(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the report says of the run, and what it says was left unread."""
        notes = [told for told in (self.told, self._unsigned_told()) if told]
        unread = [*unread_told(self.options, self.reading)]
        for tally in (self.pictures, self.analyst and self.analyst.tally):
            if tally:
                (unread if tally.unread else notes).append(f"{tally.told()}.")
        return tuple(notes), tuple(unread)

    def _unsigned_told(self) -> str:
        if not self._unsigned:
            return ""
        name = "record has" if self._unsigned == 1 else "records have"
        return (
            f"{self._unsigned:,} {name} no author: no network shows who shares a contact there (--map author=COLUMN)."
        )

    def finish(self, top: int, terminal: TextIO) -> None:
        """Write the report, and say on the terminal what was found."""
        assert self._stages is not None
        if self._report_path:
            notes, unread = self._told()
            page = self.report.page(judged=dict(sorted(self.judged.items())), notes=notes, unread=unread)
            with written(self._report_path) as file:
                file.write(page.encode())

        def say(text: str = "") -> None:
            click.echo(visible(text), file=terminal)

        rate = self._stages.records / max(self._stages.seconds, 1e-9)
        say(
            f"{self._stages.records:,} records in {self._stages.seconds:.1f} s ({rate:,.0f}/s). Judged: {_listed(self.judged)}."
        )
        tiers = self.report.tiers
        say(f"Worth reading ({self._raised}): " + ", ".join(f"{tiers[t]} {t}" for t in ("urgent", "priority", "look")))
        say(f"Texts that may need help: {self.report.support}; that warn or inform: {self.report.informs}")
        if self.told:
            say(self.told)
        if self._unsigned:
            say(self._unsigned_told())
        if self.pictures:
            say(f"{self.pictures.told()}.")
        if self.analyst:
            say(f"{self.analyst.tally.told()}.")
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
            say()
            say(f"Report: {self._report_path}")


def _refuse_unknown(vocabulary: Vocabulary) -> None:
    known = sorted({indicator.pack for indicator in vocabulary.indicators.values() if indicator.pack})
    for name in vocabulary.packs:
        if name not in known:
            raise click.UsageError(
                f"--pack {name}: no indicator is in such a pack; known: {', '.join(known) or 'none'}"
            )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {kind}" for kind, number in sorted(counts.items())) or "nothing"
