"""What every server of ours asks for before it listens: one rule for tokens, one for other machines."""

from __future__ import annotations

import click

SHORTEST = 16
"""Characters of a token or secret: it is the only thing that stands between a caller and what is served."""

needs_https = click.option(
    "--behind-https", is_flag=True, help="A proxy in front ends TLS; needed to listen beyond this machine."
)


def refuse_in_clear(host: str, behind: bool) -> None:
    """Raise UsageError for an address that others reach, unless a proxy in front ends TLS."""
    if host not in ("127.0.0.1", "::1", "localhost") and not behind:
        raise click.UsageError("listening beyond this machine needs --behind-https and a proxy that ends TLS in front")


def refuse_weak_token(token: str, where: str = "--token") -> None:
    """Raise UsageError for a token that is short, or that no header carries; `where` says which, never the token."""
    if len(token) < SHORTEST:
        raise click.UsageError(f"{where}: at least {SHORTEST} characters")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise click.UsageError(f"{where}: letters, digits and marks of ASCII only; headers carry nothing else")
