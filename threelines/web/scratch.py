"""Where an upload and the work of its scan lie while they are needed: in clear, so nothing may be left behind."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "threelines-console-"
_OURS = re.compile(_PREFIX + r"(\d+)-\w+")
_in_use: set[str] = set()


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder that is gone afterwards; its name says whose it is, for `clear_leftovers`."""
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as folder:
        _in_use.add(Path(folder).name)
        try:
            yield Path(folder)
        finally:
            _in_use.discard(Path(folder).name)


def clear_leftovers() -> int:
    """Delete the folders of consoles that were killed; return how many."""
    gone = 0
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        found = _OURS.fullmatch(path.name)
        if found and path.is_dir() and not path.is_symlink() and not _is_in_use(path.name, int(found[1])):
            shutil.rmtree(path, ignore_errors=True)  # another account's folder is left to it
            gone += not path.exists()
    return gone


def _is_in_use(name: str, process: int) -> bool:
    """Say whether its process runs; what bears our own number and is not ours is from before a restart."""
    if process == os.getpid():
        return name in _in_use
    if os.name != "posix":  # elsewhere a signal 0 is not a question
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True
