"""The response models of the peer: contract section 1, field by field.

Owns the shape of a response. Must not know the database.
"""

import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer


def _milliseconds(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


Timestamp = Annotated[datetime.datetime, PlainSerializer(_milliseconds, return_type=str)]


class Model(BaseModel):
    """A model that is read from ORM objects."""

    model_config = ConfigDict(from_attributes=True)


class Timed(Model):
    """A point in time."""

    date_time: Timestamp


class AllDay(Model):
    """A whole day."""

    date: datetime.date


class Stage(Model):
    """The kind of an interview."""

    id: int
    name: str


class Organizer(Model):
    """The user who arranged an interview."""

    id: int
    first_name: str
    last_name: str
    name: str
    employee_id: str


class Interviewer(Model):
    """A member of the panel."""

    id: int | None = Field(validation_alias="user_id")
    employee_id: str | None
    name: str | None
    email: str
    response_status: str
    scorecard_id: int | None


class Interview(Model):
    """A scheduled interview."""

    id: int
    application_id: int
    external_event_id: str | None
    start: Timed | AllDay
    end: Timed | AllDay
    location: str | None
    video_conferencing_url: str | None
    status: str
    created_at: Timestamp
    updated_at: Timestamp
    interview: Stage
    organizer: Organizer
    interviewers: list[Interviewer]
