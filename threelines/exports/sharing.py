"""What every export obeys: coded fields by allow-list, identity refused in code, marks that travel along."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from threelines.records import NO_ANSWER, Incident, ThreelinesError, is_whole

Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]

HEAD = ("organisation", "made", "recipient", "legal_basis", "tlp", "status")
"""What stands at the head of every document of ours, in words; `tlp` is one of `Tlp`."""
_ID = re.compile(r"[a-z][\w-]*(?::[\w-]*[a-z][\w-]*)*", re.ASCII | re.IGNORECASE)
"""An id under which a case leaves, such as x0f3a…: no telephone and no e-mail has its form."""

DENIED: frozenset[str] = frozenset(
    [
        "org_Name",
        "org_ShippingStreet",
        "org_ShippingPostalCode",
        "org_ShippingLongitude",
        "org_ShippingLatitude",
        "org_Phone",
        "prs_Salutation",
        "prs_FirstName",
        "prs_MiddleName",
        "prs_SecondName",
        "prs_Birthdate",
        "prs_IdentityNumber",
        "prs_Title",
        "prs_Email",
        "prs_HomePhone",
        "prs_MobilePhone",
        "prs_MailingCity",
        "prs_MailingState",
        "prs_MailingStreet",
        "prs_MailingPostalCode",
        "prs_MailingLongitude",
        "prs_MailingLatitude",
        "vic_DetailsOfVulnerabilities",
        "vic_LocationOfRecruitment",
        "vic_LocationOfExploitation",
        "per_RoleDetails",
        "cas_ReasonForCaseClosure",
        "cas_CaseOwner",
        "cas_ReferringOrganisation",
        "cas_ReferringPrimaryCaseWorker",
        "cas_IncomingReferralDetails",
        "cas_ReferredOrganisation",
        "cas_ReferredPrimaryCaseWorker",
        "cas_OutgoingReferralDetails",
        "cco_CaseComment",
        "hte_Longitude",
        "hte_Latitude",
        "hte_City",
        "hte_State",
        "hte_Street",
        "hte_PostalCode",
        "hte_Date",
        "hte_Description",
        "spl_Objectives",
        "spl_ActionPlan",
        "ai_Notes",
        "tl_Callback",
    ]
)
"""Direct identifiers and free text: refused here even if everything before let them pass (R1)."""


class ExportError(ThreelinesError):
    """An export is refused or cannot be written; nothing of the record is repeated."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What partners hold of one case from earlier, by the id under which it leaves."""

    changed: datetime
    """When what leaves of it changed last, or was withdrawn."""
    parts: tuple[str, ...] = ()
    """What ever left beside it, as the format's own `parts` names it."""
    dropped: tuple[str, ...] = ()
    """Parts that were taken back at some time."""
    is_withdrawn: bool = False


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """Who hands what to whom, on which basis: travels inside every export."""

    organisation: str = "Organisation not named"
    recipient: str = ""
    tlp: Tlp = "amber"
    """Traffic Light Protocol 2.0: who may read it. Consent is a mark of its own."""
    legal_basis: str = ""
    approvals: tuple[str, ...] = ()
    """The people who released it; two, and not the same (R10). Their ids may be login names: only their number leaves."""
    made: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    retention_months: int = 24
    versions: Mapping[str, Version] = {}
    """Cases that a feed served before. What is not here is new, of the time `made`."""
    definition: dict[str, Any] = {}
    """The form's closed lists and labels, as plain values, for exports that describe it."""

    def __post_init__(self) -> None:
        if not is_whole(self.organisation + self.recipient + self.legal_basis):
            raise ExportError("sender, recipient or legal basis: half a character; write it again as UTF-8")

    @property
    def people(self) -> int:
        """How many people released it."""
        return len(set(self.approvals))

    @property
    def approved(self) -> bool:
        """Whether two people released it; everything else is a draft and says so."""
        return self.people >= 2

    @property
    def terms(self) -> dict[str, str]:
        """Who receives it, on which basis, and who may read it: the head of a document of ours."""
        recipient, basis = self.recipient or "not named", self.legal_basis or "consent of the person concerned"
        return {"recipient": recipient, "legal_basis": basis, "tlp": self.tlp}

    @property
    def status(self) -> str:
        """`approved` or `draft`."""
        return "approved" if self.approved else "draft"

    def changed(self, name: str) -> datetime:
        """Return when what leaves of a case changed last."""
        return self.versions[name].changed if name in self.versions else self.made

    @property
    def withdrawn(self) -> Iterator[tuple[str, Version]]:
        """The cases that are taken back, with what left of them."""
        return ((name, version) for name, version in sorted(self.versions.items()) if version.is_withdrawn)

    @property
    def stamp(self) -> str:
        """The time in ISO 8601, UTC, without fractions."""
        return self.made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def coded(incidents: Iterable[Incident], allowed: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (id, fields) with allowed fields only; a denied field in the allow-list is a mistake of ours.

    A value that cannot be written as UTF-8 is refused for every format: half of them would break off at it.
    """
    wanted = frozenset(allowed)
    if wanted & DENIED:
        raise ExportError(f"an export may not ask for {', '.join(sorted(wanted & DENIED))}")
    for incident in incidents:
        fields = {name: value for name, value in sorted(incident.fields.items()) if name in wanted}
        for name, value in fields.items():
            if not all(map(is_whole, listed(value))):
                raise ExportError(f"{incident.id}: {name} holds half a character; correct the case")
        yield incident.id, fields


LEFT_OUT: dict[str, str] = {
    "ai_Capability": "no use of AI was recorded in them",
    "tl_FinancialFlags": "no financial red flag was recorded in them",
}
"""Why a format leaves cases out, by the field that it needs (`NEEDS` of its module)."""


def holding(incidents: Iterable[Incident], needed: str) -> Iterator[Incident]:
    """Yield the incidents in which a field has a certain answer: those that a format writes; all if it needs none."""
    yield from (
        incident for incident in incidents if not needed or set(listed(incident.fields.get(needed))) - NO_ANSWER
    )


def listed(value: Any) -> list[str]:
    """Return a value as a list of texts."""
    if value in (None, "", []):
        return []
    return [str(entry) for entry in value] if isinstance(value, list | tuple) else [str(value)]


def read_document(path: Path) -> dict[str, Any]:
    """Return a written export; raise ExportError where it is no JSON object, ValueError where it is no JSON."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ExportError(f"{path}: nested too deep") from None
    if not isinstance(body, dict):
        raise ExportError(f"{path}: an object is expected, as an export writes it")
    return body


def wrong_head(
    body: Mapping[str, Any], beside: Iterable[str], statuses: Iterable[str] = ("approved", "draft")
) -> list[str]:
    """Return what is wrong with the head of a document: terms, status, TLP; `beside` names what else stands in it."""
    wrong = [f"{name} is missing" for name in HEAD if not (isinstance(body.get(name), str) and str(body[name]).strip())]
    if "tlp is missing" not in wrong and body["tlp"] not in get_args(Tlp):
        wrong.append("tlp is no level of TLP 2.0")
    if "status is missing" not in wrong and body["status"] not in statuses:
        wrong.append(f"status is none of {', '.join(statuses)}")
    return [*wrong, *others(body, (*HEAD, *beside), "the document")]


def others(found: Iterable[str], allowed: Iterable[str], where: str) -> list[str]:
    """Return how many names are none of ours, without repeating one."""
    number = len({*found} - {*allowed})
    return [f"{where}: {number} names that are none of ours"] if number else []


def wrong_id(name: Any, where: str) -> list[str]:
    """Return that what stands for the id of a case is none, without repeating it."""
    return [] if isinstance(name, str) and _ID.fullmatch(name) else [f"{where}: its id is no id of ours"]
