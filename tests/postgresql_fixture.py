"""A private PostgreSQL cluster for the tests: own folder, own socket, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Yield the address of an empty cluster; skip loudly where PostgreSQL is absent, fail in CI."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not binaries:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed: make system installs it")
        pytest.skip("PostgreSQL is not installed (Debian: postgresql); the register was tested on SQLite only")
    folder = Path(tempfile.mkdtemp(prefix="threelines-pg-", dir="/tmp"))  # a socket's path must be short
    try:
        yield from _cluster(binaries[-1].parent, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def address(postgresql: str, request: pytest.FixtureRequest) -> str:
    """Make an empty database for each test; return its address."""
    return empty_database(postgresql, "t_" + request.node.name.lower()[:50].rstrip("_"))


def empty_database(cluster: str, name: str) -> str:
    """Make a database in a cluster, in place of one of the same name; return its address."""
    engine = sa.create_engine(cluster, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}"'))
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return cluster.replace("/postgres?", f"/{name}?")


def _cluster(binaries: Path, folder: Path) -> Iterator[str]:
    # PostgreSQL refuses to run as root: Debian's package made the user postgres.
    is_root = os.geteuid() == 0
    if is_root:
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def run(*command: str) -> None:
        prefix = ["runuser", "-u", "postgres", "--"] if is_root else []
        subprocess.run([*prefix, *command], check=True, capture_output=True, cwd=folder, timeout=60)

    control = str(binaries / "pg_ctl")
    run(
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        "threelines",
        "-A",
        "trust",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
    )
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    run(control, "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql+psycopg://threelines@/postgres?host={folder}"
    finally:
        run(control, "-D", str(data), "-m", "immediate", "-w", "stop")
