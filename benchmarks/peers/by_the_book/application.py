"""The routes of the peer: list and retrieve, with filters, pages, `Link` with `last`, and keys looked up by hash.

Owns the HTTP side. FastAPI runs its plain functions in threads, as in its guide to SQL databases. It has no ETag and no
rate limit, which is in its favor.
"""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, Field
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session, selectinload, sessionmaker
from sqlalchemy.sql.elements import ColumnElement

from benchmarks.peers.by_the_book import models, schemas

_EAGERLY = (
    selectinload(models.Interview.interview),
    selectinload(models.Interview.organizer),
    selectinload(models.Interview.interviewers).joinedload(models.Interviewer.user),
)

_MOMENTS = (
    ("created", models.Interview.created_at),
    ("updated", models.Interview.updated_at),
    ("starts", models.Interview.starts_at),
    ("ends", models.Interview.ends_at),
)


class Filters(BaseModel):
    """The query parameters of the list."""

    page: int = Field(1, ge=1)
    per_page: int = Field(100, ge=1, le=500)
    created_before: datetime | None = None
    created_after: datetime | None = None
    updated_before: datetime | None = None
    updated_after: datetime | None = None
    starts_before: datetime | None = None
    starts_after: datetime | None = None
    ends_before: datetime | None = None
    ends_after: datetime | None = None
    external_event_id: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield a condition for each filter that is set."""
        for name, column in _MOMENTS:
            if before := getattr(self, f"{name}_before"):
                yield column < _naive(before)
            if after := getattr(self, f"{name}_after"):
                yield column >= _naive(after)
        if self.external_event_id is not None:
            yield models.Interview.external_event_id == self.external_event_id


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def get_session(request: Request) -> Iterator[Session]:
    """Yield a separate session for each request."""
    with request.app.state.sessions() as session:
        yield session


Database = Annotated[Session, Depends(get_session)]


def get_organization(credentials: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())], session: Database) -> int:
    """Return the id of the organization of the request's key."""
    digest = hashlib.sha256(credentials.username.encode()).hexdigest()
    found = session.scalar(select(models.ApiKey.organization_id).where(models.ApiKey.key_hash == digest))
    if found is None:
        raise HTTPException(401, "Invalid Basic Auth credentials", {"WWW-Authenticate": "Basic"})
    return found


OrganizationId = Annotated[int, Depends(get_organization)]


def list_interviews(
    request: Request,
    response: Response,
    session: Database,
    organization: OrganizationId,
    filters: Annotated[Filters, Query()],
) -> list[models.Interview]:
    """List the interviews of an organization."""
    conditions = [models.Interview.organization_id == organization, *filters.conditions()]
    total = session.scalar(select(func.count()).select_from(models.Interview).where(*conditions)) or 0
    page = (
        select(models.Interview)
        .where(*conditions)
        .order_by(models.Interview.id)
        .limit(filters.per_page)
        .offset((filters.page - 1) * filters.per_page)
        .options(*_EAGERLY)
    )
    if links := _links(request, filters, -(-total // filters.per_page)):
        response.headers["Link"] = links
    return list(session.scalars(page))


def _links(request: Request, filters: Filters, last: int) -> str:
    pages = {"next": filters.page + 1, "prev": filters.page - 1, "last": last}
    wanted = {name: page for name, page in pages.items() if 1 <= page <= last}
    if last <= 1:
        return ""
    return ",".join(
        f'<{request.url.include_query_params(page=page, per_page=filters.per_page)}>; rel="{name}"'
        for name, page in wanted.items()
    )


def retrieve_interview(interview_id: int, session: Database, organization: OrganizationId) -> models.Interview:
    """Retrieve one interview."""
    found = session.scalar(
        select(models.Interview)
        .where(models.Interview.organization_id == organization, models.Interview.id == interview_id)
        .options(*_EAGERLY)
    )
    if found is None:
        raise HTTPException(404, "Resource not found")
    return found


def build() -> FastAPI:
    """Return the application for the database that `BY_THE_BOOK_DATABASE` names."""
    application = FastAPI(title="Scheduled interviews, by the book")
    engine = create_engine(os.environ["BY_THE_BOOK_DATABASE"])
    application.state.sessions = sessionmaker(engine, expire_on_commit=False)
    path = "/v1/scheduled_interviews"
    application.get(path, response_model=list[schemas.Interview])(list_interviews)
    application.get(path + "/{interview_id}", response_model=schemas.Interview)(retrieve_interview)
    return application
