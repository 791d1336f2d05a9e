"""What servers ask for before they listen."""

import pytest
from click.testing import CliRunner

from threelines.cli.main import root

LONG = "0123456789abcdef"
SERVERS = (["guard", "serve"], ["feed", "--db", "none.db"])


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--host", "0.0.0.0", "--token", LONG], "--behind-https"),
        (["--host", "0.0.0.0", "--behind-https", "--token", "a"], "at least 16 characters"),
        (["--token", "a"], "at least 16 characters"),
        (["--token", "sixteen letters ä"], "ASCII"),
    ],
)
def test_a_server_listens_neither_in_clear_nor_with_a_token_that_is_guessed(server, given, told):
    """Other machines reach it only through a proxy that ends TLS; its token has 16 characters, as headers carry them."""
    answer = CliRunner().invoke(root, [*server, *given])

    assert answer.exit_code == 2 and told in answer.output


def test_the_guard_beyond_this_machine_asks_for_a_token():
    """A proxy in front is no caller's proof."""
    answer = CliRunner().invoke(root, ["guard", "serve", "--host", "0.0.0.0", "--behind-https"])

    assert answer.exit_code == 2 and "needs a token" in answer.output
