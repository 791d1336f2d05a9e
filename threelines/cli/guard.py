"""`threelines guard`: judge sessions with an AI model, from a file or behind HTTP."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from threelines.cli._inputs import confirmed_option
from threelines.cli._listen import needs_https, refuse_in_clear, refuse_weak_token
from threelines.cli._outputs import OutFile, keep_apart, written

if TYPE_CHECKING:
    from threelines.ai_models.event import Contact
    from threelines.ai_models.guard import Event, Guard

_STATE = click.option(
    "--state", envvar="THREELINES_GUARD_STATE", default="memory:", show_default=True,
    help="Where sessions are remembered: memory:, sqlite:FILE or redis://HOST:PORT/0 (Valkey too).",
)  # fmt: skip
_KEY = click.option(
    "--key", envvar="THREELINES_GUARD_KEY", default="", show_envvar=True,
    help="Secret for the hashes of session and account; needed when several processes share a state.",
)  # fmt: skip
_SHARED = (
    _STATE, _KEY,
    click.option(
        "--on-error", type=click.Choice(["block", "review"]), default="block", show_default=True,
        help="What to do when a session cannot be judged; the status says so either way.",
    ),
    click.option(
        "--meaning/--words", "meaning", default=None,
        help="Read by meaning as well, in about 100 languages (extra `semantic`), or by words alone. "
        "Where neither is given: by meaning if the extra is installed.",
    ),
    click.option(
        "--block-unreviewed", is_flag=True,
        help="Let words of languages that no speaker has checked block, not only ask for review.",
    ),
    click.option(
        "--block-at", type=click.FloatRange(0, 1), default=0.0, metavar="CONCERN",
        help="Block at this concern or above, in place of the rule; `replay` on your own honest sessions shows what that is.",
    ),
    click.option(
        "--helpline", "helplines", multiple=True, metavar="ID",
        help="Show this helpline below help: one that you have confirmed (`threelines helplines confirm`). Of several, those "
        "that answer in the survivor's language.",
    ),
    confirmed_option,
)  # fmt: skip


def _shared(function: Any) -> Any:
    for option in reversed(_SHARED):
        function = option(function)
    return function


@click.group(short_help="Guard an AI model by the session: allow, support, review or block.")
def command() -> None:
    """Judge what is asked of an AI model over a whole session, with the words that show it.

    Somebody in need gets help instead of a wall. A decision never speaks of a person.

    \b
    Examples:
      threelines guard replay sessions.jsonl
      THREELINES_GUARD_KEY=… threelines guard serve --port 8600 --state sqlite:guard.db --log raised.jsonl
      THREELINES_GUARD_KEY=… threelines guard forget --session s1 --account a7 --state sqlite:guard.db
    """


@command.command()
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--out", type=OutFile(), help="Decisions, one JSON object a line; without it, standard output.")
@click.option("--only-raised", is_flag=True, help="Write review and block only.")
@_shared
def replay(file: IO[str], out: Path | None, only_raised: bool, **options: Any) -> None:
    """Judge recorded sessions: one JSON object a line with session, account, text, kind, time.

    \b
    Example line:
      {"session": "s1", "account": "a7", "kind": "request", "text": "Translate this into Thai: …"}

    A line that cannot be read is counted and told, and the others are judged. What a kept --state learned stays there:
    judge the same file again with another state.
    """
    import msgspec

    read = [Path(file.name)] if file.name not in ("-", "<stdin>") else []
    kept = options["state"].removeprefix("sqlite:").removeprefix("//")
    keep_apart([("--out", out)], [*read, Path(kept)] if options["state"].startswith("sqlite:") else read)
    guard = _guard(options)
    counts, faults, alone, unread = Counter[str](), Counter[str](), 0, list[str]()
    with ExitStack() as stack:
        sink = stack.enter_context(written(out) if out else click.open_file("-", "wb"))
        for event in _events(file, unread):
            decision = guard.observe(event)
            alone += not event.named
            counts[decision.action] += 1
            faults.update([decision.status] if decision.status != "ok" else [])
            if not only_raised or decision.action in ("review", "block"):
                row = {"session": event.session, "account": event.account, "decision": decision}
                sink.write(msgspec.json.encode(row) + b"\n")
    summary = ", ".join(f"{counts[action]} {action}" for action in sorted(counts))
    click.echo(f"{sum(counts.values())} events: {summary or 'none'}", err=True)
    if unread and not counts:
        raise click.UsageError(
            f"{file.name}: no line could be read: {unread[0]}; give one JSON object a line with text"
        )
    if unread:
        click.echo(f"  {len(unread)} lines could not be read: {'; '.join(unread[:3])}", err=True)
    if alone:
        click.echo(f"  {alone} name no session and no account: each was judged by itself", err=True)
    for status, number in faults.most_common(5):
        click.echo(f"  {number} not judged in full: {status}", err=True)


@command.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8600, show_default=True)
@click.option(
    "--token",
    envvar="THREELINES_GUARD_TOKEN",
    default="",
    show_envvar=True,
    help="Ask callers for this bearer token, of 16 characters or more.",
)
@needs_https
@click.option(
    "--later",
    is_flag=True,
    help="Read requests while the model writes, and decide on the reply: for gateways that ask about every reply before "
    "they show any of it (LiteLLM: mode pre_call and post_call, answers not streamed).",
)
@click.option(
    "--read-system",
    is_flag=True,
    help="Judge the system's instructions too: where your callers write them. Without it those who ask are judged, and what "
    "the system, tools and the model say is yours.",
)
@click.option(
    "--log", type=OutFile(), help="Append a JSON line for each review, block and help: session, signs, no whole text."
)
@_shared
def serve(
    host: str,
    port: int,
    token: str,
    behind_https: bool,
    later: bool,
    read_system: bool,
    log: Path | None,
    **options: Any,
) -> None:
    """Answer as LiteLLM's generic guardrail and as an OpenAI-style moderation endpoint.

    \b
    In LiteLLM's configuration:
      guardrails:
        - guardrail_name: threelines
          litellm_params:
            guardrail: generic_guardrail_api
            mode: [pre_call, post_call]
            api_base: http://127.0.0.1:8600
            api_key: "the token, of 16 characters or more"
    """
    import gc

    import uvicorn

    from threelines.ai_models.endpoint import CALL_LIFETIME, create_app
    from threelines.ai_models.later import Later
    from threelines.ai_models.noted import Noted
    from threelines.ai_models.sessions import open_state
    from threelines.web.faults import LOG

    refuse_in_clear(host, behind_https)
    if behind_https and not token:
        raise click.UsageError("listening beyond this machine needs a token: --token or THREELINES_GUARD_TOKEN")
    if token:
        refuse_weak_token(token)
    if later and options["state"] == "memory:":
        click.echo(
            "Warning: with --state memory: what waits to be read ends with this process, and a reply that comes after it is "
            "withheld; give --state sqlite:FILE",
            err=True,
        )
    guard = _guard(options).warm()
    calls = None if options["state"] == "memory:" else open_state(options["state"], lifetime=CALL_LIFETIME)
    app = create_app(
        guard,
        calls=calls,
        token=token,
        later=Later() if later else None,
        read_system=read_system,
        noted=Noted(log),
    )
    gc.collect()
    gc.freeze()  # tables that stay are not walked again: with them a collection stops every request for a tenth of a second
    uvicorn.run(app, host=host, port=port, log_config=LOG, log_level="warning", access_log=False)


def _guard(options: dict[str, Any]) -> Guard:
    from threelines.ai_models.guard import Guard, Policy
    from threelines.ai_models.sessions import open_state

    if options["state"] != "memory:" and not options["key"]:
        raise click.UsageError("a kept state needs a secret: --key or THREELINES_GUARD_KEY")
    policy = Policy(
        on_error=options["on_error"],
        block_unreviewed=options["block_unreviewed"],
        block_at=options["block_at"],
        contacts=_contacts(options["helplines"], options["confirmed"]),
    )
    return Guard(
        policy=policy, state=open_state(options["state"]), key=options["key"].encode(), meaning=options["meaning"]
    )


def _contacts(ids: tuple[str, ...], confirmed: Path) -> tuple[Contact, ...]:
    """Return the confirmed helplines as what the guard says; UsageError where one is not confirmed today."""
    from threelines.ai_models.event import Contact
    from threelines.people.helplines import confirmations, helplines

    known = confirmations(confirmed) if ids else {}
    now, made = datetime.datetime.now(datetime.UTC), list[Contact]()
    for name in ids:
        one = known.get(name)
        if name not in helplines() or one is None or not one.on <= now.date() < one.expires:
            raise click.UsageError(
                f"{name}: not confirmed; dial it, then: threelines helplines confirm {name} --number … --by …"
            )
        ends = datetime.datetime.combine(one.expires, datetime.time(), datetime.UTC)
        text = f"{helplines()[name].organisation}: {one.number}"
        made.append(Contact(text=text, languages=helplines()[name].languages, until=ends.timestamp()))
    return tuple(made)


def _events(file: IO[str], unread: list[str]) -> Iterator[Event]:
    """Yield the events of a file; what is wrong with a line is added to `unread`."""
    import msgspec

    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield _event(msgspec.json.decode(line, type=dict[str, Any]))
            except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as fault:
                unread.append(f"line {number}: {fault}")


def _event(given: dict[str, Any]) -> Event:
    """Return the event of a line: exports give names as numbers, and null for what there is not."""
    import msgspec

    from threelines.ai_models.guard import Event

    known = {name: value for name, value in given.items() if value is not None}
    for name in ("session", "account"):
        if isinstance(known.get(name), int):
            known[name] = str(known[name])
    return msgspec.convert(known, type=Event)


@command.command()
@click.option("--session", default="", help="The session, as the gateway names it; with the account it belongs to.")
@click.option("--account", default="", help="The account; alone: with its latest sessions in which something was seen.")
@_STATE
@_KEY
def forget(session: str, account: str, state: str, key: str) -> None:
    """Erase what the guard remembers of a session or an account.

    An account knows its latest sessions in which something was seen; others, of which no words are kept, expire by
    themselves, 14 days after their last request.

    \b
    Example:
      THREELINES_GUARD_KEY=… threelines guard forget --account a7 --state sqlite:guard.db
    """
    from threelines.ai_models.guard import Guard
    from threelines.ai_models.sessions import open_state

    if not (session or account):
        raise click.UsageError("name what to forget: --session, --account or both")
    if state == "memory:":
        raise click.UsageError("memory: is gone with its process; give the --state of the guard that is to forget")
    if not key:
        raise click.UsageError("names are remembered as keyed hashes: give the guard's --key or THREELINES_GUARD_KEY")
    kept = open_state(state, new=False)
    erased = Guard(state=kept, key=key.encode(), meaning=False).forget(session=session, account=account)
    click.echo(f"{erased} erased" if erased else "nothing is remembered under these names and this key")
