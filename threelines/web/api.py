"""The HTTP API for programs: records in, appeals in, state of the queue. Described by /openapi.json."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Request
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from threelines.records import EARLIEST, LATEST, Record
from threelines.web.desk import Desk, SignedIn, desk, token_for
from threelines.web.ingest import take_records

router = APIRouter(prefix="/v1", tags=["threelines"])

_Id = Annotated[str, Field(max_length=400, pattern=r"^[^\x00]*$")]
_Words = Annotated[str, Field(max_length=100_000, pattern=r"^[^\x00]*$")]
_Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


def _bounded(time: datetime) -> datetime:
    if not EARLIEST <= time < LATEST:
        raise ValueError("give a time from 1970 to 2100")
    return time


_Time = Annotated[AwareDatetime, AfterValidator(_bounded)]


class SentRecord(BaseModel):
    """One thing that somebody said or posted. Account ids become pseudonyms before anything is kept."""

    model_config = ConfigDict(extra="forbid")

    id: _Id = Field("", description="Yours; the same id in the same conversation is taken once.")
    kind: Literal["message", "advert", "profile", "post", "media", "request", "reply", "system"] = "message"
    author: _Id = ""
    audience: list[_Id] = Field(default_factory=list, max_length=1000)
    conversation: _Id = Field("", description="Leave empty for adverts, posts and profiles.")
    time: _Time | None = Field(None, description="With its zone, from 1970 to 2100.")
    text: _Words = ""
    language: Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z0-9-]*$")] = Field("", description="BCP 47.")


class SentRecords(BaseModel):
    """Up to 1,000 records."""

    model_config = ConfigDict(extra="forbid")

    records: list[SentRecord] = Field(min_length=1, max_length=1000)


class TakenRecords(BaseModel):
    """What became of them. `raised` are findings for a person to read; nobody was acted upon."""

    records: int
    raised: int
    new: int
    updated: int
    known: int
    left_out: int = 0
    """Records that could not be judged; the log says where it broke."""


class SentAppeal(BaseModel):
    """A finding that somebody disagrees with."""

    model_config = ConfigDict(extra="forbid")

    finding: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class Fault(BaseModel):
    """Why a request was refused."""

    fault: str


_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Fault, "description": "No token, or not one for this."},
    409: {"model": Fault, "description": "The Idempotency-Key was used with another body."},
    422: {"description": "The body does not fit."},
    429: {"model": Fault, "description": "Too many requests."},
    503: {"model": Fault, "description": "A large export is being read; send it again after Retry-After seconds."},
}


@router.post(
    "/records", responses=_REFUSALS, dependencies=[Depends(token_for("ingest"))], summary="Send records to be judged"
)
async def send_records(request: Request, body: SentRecords, idempotency_key: _Key = None) -> TakenRecords:
    """Judge the records, each conversation with what came before; queue what is raised."""
    here = desk(request)
    return await here.scans.take(lambda: _taken(here, body, idempotency_key))


def _taken(here: Desk, body: SentRecords, key: str | None) -> TakenRecords:
    plain = body.model_dump_json().encode()
    before = here.stream.answered_before(key, plain) if key else None
    if before is not None:
        return TakenRecords.model_validate_json(before)
    taken = take_records(here, [_record(sent) for sent in body.records])
    answer = TakenRecords(**{name: getattr(taken, name) for name in TakenRecords.model_fields})
    if key:
        here.stream.remember_answer(key, plain, answer.model_dump_json())
    return answer


def _record(sent: SentRecord) -> Record:
    time: datetime | None = sent.time
    return Record(
        id=sent.id, kind=sent.kind, author=sent.author, audience=tuple(sent.audience), conversation=sent.conversation,
        time=time, text=sent.text, language=sent.language, source="api",
    )  # fmt: skip


@router.post(
    "/appeals", status_code=202, dependencies=[Depends(token_for("ingest"))], summary="Ask for another look",
    responses={401: _REFUSALS[401], 404: {"model": Fault, "description": "No such finding."}, 429: _REFUSALS[429]},
)  # fmt: skip
def send_appeal(request: Request, body: SentAppeal) -> dict[str, str]:
    """Put a decided finding back for a person who has not decided on it yet."""
    desk(request).review.appeal(body.finding)
    return {"state": "a person who has not decided on it will read it"}


@router.get(
    "/queue", dependencies=[Depends(token_for("ingest"))], summary="State of the queue",
    responses={401: _REFUSALS[401], 429: _REFUSALS[429]},
)  # fmt: skip
def queue_state(request: Request) -> dict[str, int]:
    """Count findings by stage, and the accounts that wait or are being read."""
    return desk(request).review.counts()


description = APIRouter(include_in_schema=False)


@description.get("/openapi.json")
def openapi(request: Request, person: SignedIn) -> Response:
    """Describe the API to whoever is signed in."""
    return JSONResponse(request.app.openapi())
