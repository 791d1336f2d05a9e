"""What the tests of the console share: one database each, real keys, real pages."""

import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.browser import chromium, site, window  # noqa: F401 - fixtures
from tests.postgresql_fixture import address, postgresql  # noqa: F401 - fixtures

PASSWORD = "seven quiet lamps"


class Console(NamedTuple):
    """A console with no account yet, and how to come in."""

    app: object
    desk: object
    client: Callable  # () -> a new browser without a session
    sign_in: Callable  # role -> (client, person)


@pytest.fixture
def caplog(caplog):
    """Hear our own loggers again: a library that sets up logging silences those that were there before it."""
    logging.disable(logging.NOTSET)
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("threelines") and isinstance(logger, logging.Logger):
            logger.disabled, logger.propagate = False, True
    with caplog.at_level(logging.WARNING):
        yield caplog


@pytest.fixture(scope="session")
def vocabulary():
    """Return the packaged vocabulary, read once."""
    from threelines.vocabulary.terms import load

    return load()


@pytest.fixture
def console(tmp_path, vocabulary):
    """Return a console on a fresh database, without a second factor."""
    from threelines.web.desk import Options

    return make_console(tmp_path, vocabulary, Options(second_factor=False))


@pytest.fixture
def console_with(tmp_path, vocabulary):
    """Return a function that makes a console with other options."""

    def make(**options):
        from threelines.web.desk import Options

        return make_console(tmp_path, vocabulary, Options(**options))

    return make


def make_console(folder: Path, vocabulary, options, *, store=None) -> Console:
    """Put a console together in a folder, with a database there or the one given."""
    from starlette.testclient import TestClient

    from threelines.store.database import Store
    from threelines.store.keyring import Keyring
    from threelines.web.app import create_app

    app = create_app(
        store or Store.open(folder / "site.db"),
        Keyring.create(folder / "site.key"),
        options=options,
        vocabulary=vocabulary,
    )

    def client():
        return TestClient(app, base_url="http://127.0.0.1", client=("192.0.2.7", 5000), follow_redirects=False)

    def sign_in(role: str):
        name = f"{role}-{secrets.token_hex(3)}"
        person = app.state.desk.accounts.add(name, PASSWORD, role=role, team="north")
        browser = client()
        answer = browser.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return browser, person

    return Console(app, app.state.desk, client, sign_in)
