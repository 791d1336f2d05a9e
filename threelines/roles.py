"""Who may do what: one table, permission by role, with the widest scope.

    from threelines.roles import User, allowed, require

    user = User(id="w7", role="case_worker", team="north")
    allowed("case_worker", "case.read", "own")                     # True
    require(user, "case.read", owner="w7", team="north")           # passes, or raises RoleError
    scope_of("supervisor", "case.read")                            # "team": filter a list by it

`own` is what the user made or was given, `team` what anyone of the user's team has, `all` the
whole organisation. A wider scope includes the narrower ones. What is not in the table is refused.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from threelines.records import ThreelinesError

Role = Literal["intake", "case_worker", "supervisor", "analyst", "data_protection_officer", "admin", "reviewer"]
"""`reviewer` is a platform's moderator; the others belong to the register (standard's R9).

Every referral is of cases, so a reviewer has none: to refer a finding is a decision (`finding.review`)."""

Scope = Literal["own", "team", "all"]

ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)

_TABLE = """
permission            intake  case_worker  supervisor  analyst  data_protection_officer  admin  reviewer
case.add              own     own          own         -        -                        -      -
case.list             own     own          team        -        all                      -      -
case.read             own     own          team        -        -                        -      -
case.update           own     own          team        -        -                        -      -
case.assign           -       -            team        -        -                        -      -
case.import           own     own          team        -        -                        -      -
case.hold             -       -            team        -        all                      -      -
case.erase            -       -            -           -        all                      -      -
consent.record        own     own          team        -        all                      -      -
identity.read         own     own          team        -        -                        -      -
identity.match        own     own          team        -        all                      -      -
subject.prepare       -       own          team        -        all                      -      -
subject.approve       -       -            team        -        all                      -      -
statistics.read       -       -            all         all      all                      -      -
monitor.read          -       own          all         all      all                      -      all
release.prepare       -       -            all         all      -                        -      -
release.approve       -       -            all         -        all                      -      -
export.prepare        -       -            team        -        -                        -      -
export.approve        -       -            team        -        all                      -      -
referral.prepare      -       own          team        -        -                        -      -
referral.approve      -       -            team        -        all                      -      -
retention.run         -       -            -           -        all                      -      -
store.backup          -       -            -           -        all                      all    -
store.restore         -       -            -           -        -                        all    -
store.rotate          -       -            -           -        all                      all    -
store.wipe            -       -            all         -        all                      all    -
audit.read            -       -            -           -        all                      -      -
audit.verify          -       -            -           -        all                      all    -
user.manage           -       -            -           -        -                        all    -
user.approve          -       -            all         -        all                      -      -
system.read           -       -            -           -        all                      all    -
finding.list          -       -            all         -        -                        -      all
finding.review        -       -            all         -        -                        -      all
finding.second        -       -            all         -        -                        -      all
finding.reveal        -       -            -           -        -                        -      all
finding.erase         -       -            -           -        all                      -      -
finding.follow        all     all          all         -        -                        -      -
hotline.confirm       -       -            all         -        -                        all    -
"""


class RoleError(ThreelinesError):
    """A user may not do this; the text names the permission, never the record's content."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts. `id` is a pseudonymous worker id: it goes into the audit."""

    id: str
    role: Role
    team: str = ""


def _read(table: str) -> dict[str, dict[str, Scope]]:
    head, *lines = (line.split() for line in table.strip().splitlines())
    return {
        permission: {role: scope for role, scope in zip(head[1:], scopes, strict=True) if scope in SCOPES}
        for permission, *scopes in lines
    }


PERMISSIONS: dict[str, dict[str, Scope]] = _read(_TABLE)
"""Permission → role → widest scope. `admin` keeps the system and sees no case content."""


def scope_of(role: str, permission: str) -> Scope | None:
    """Return the widest scope in which a role has a permission; None when it has not."""
    if permission not in PERMISSIONS:
        raise RoleError(f"{permission}: no such permission; threelines/roles.py lists them")
    return PERMISSIONS[permission].get(role)


def allowed(role: str, permission: str, scope: Scope = "all") -> bool:
    """Say whether a role has a permission in this scope."""
    widest = scope_of(role, permission)
    return widest is not None and SCOPES.index(widest) >= SCOPES.index(scope)


def scope_needed(user: User, *, owner: str, team: str) -> Scope:
    """Return the scope that reaches a record of this owner and team."""
    if owner == user.id:
        return "own"
    return "team" if team and team == user.team else "all"


def require(user: User, permission: str, *, owner: str | None = None, team: str = "") -> None:
    """Raise RoleError unless the user may do this to a record of `owner` and `team`.

    Without an owner the question is whether the user has the permission at all (in any scope).
    """
    scope: Scope = "own" if owner is None else scope_needed(user, owner=owner, team=team)
    if not allowed(user.role, permission, scope):
        raise RoleError(f"the role {user.role} may not {permission} here; ask a colleague whose role may")
