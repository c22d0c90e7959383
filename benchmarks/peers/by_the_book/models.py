"""The normalized tables of the peer, with the indexes that its queries need, on SQLite and on PostgreSQL.

Owns the ORM classes. Must not know HTTP, or the shape of a response apart from the names of its fields.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """The tables of this peer. Ids have more than 32 bits; SQLite's integers allow that without another type."""

    type_annotation_map = {int: BigInteger().with_variant(Integer, "sqlite")}  # noqa: RUF012  (as SQLAlchemy wants it)


class Organization(Base):
    """A tenant."""

    __tablename__ = "organizations"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class ApiKey(Base):
    """A key of an organization, stored as the hexadecimal digits of its SHA-256."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    key_hash: Mapped[str] = mapped_column(unique=True)


class User(Base):
    """A user of an organization: an organizer, an interviewer, or both."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str | None]
    employee_id: Mapped[str]

    @property
    def name(self) -> str:
        """The first and the last name."""
        return f"{self.first_name} {self.last_name}"


class Stage(Base):
    """The kind of an interview."""

    __tablename__ = "stages"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Interviewer(Base):
    """A member of the panel of an interview; an external interviewer has no user."""

    __tablename__ = "interviewers"

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[int] = mapped_column(ForeignKey("interviews.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    external_email: Mapped[str | None]
    response_status: Mapped[str]
    scorecard_id: Mapped[int | None]
    user: Mapped[User | None] = relationship()

    @property
    def employee_id(self) -> str | None:
        """The user's employee id, or None if the interviewer is external."""
        return self.user.employee_id if self.user else None

    @property
    def name(self) -> str | None:
        """The user's name, or None if the interviewer is external."""
        return self.user.name if self.user else None

    @property
    def email(self) -> str | None:
        """The user's e-mail address, or that of the external interviewer."""
        return self.user.email if self.user else self.external_email


class Interview(Base):
    """A scheduled interview; one of whole days also has dates. Times are UTC without a zone: SQLite has no zones."""

    __tablename__ = "interviews"
    __table_args__ = (
        UniqueConstraint("organization_id", "external_event_id"),
        Index("ix_interviews_organization", "organization_id", "id"),
        Index("ix_interviews_created", "organization_id", "created_at"),
        Index("ix_interviews_updated", "organization_id", "updated_at"),
        Index("ix_interviews_starts", "organization_id", "starts_at"),
        Index("ix_interviews_ends", "organization_id", "ends_at"),
        Index("ix_interviews_application", "organization_id", "application_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    application_id: Mapped[int]
    external_event_id: Mapped[str | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    location: Mapped[str | None]
    video_conferencing_url: Mapped[str | None]
    status: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    stage_id: Mapped[int] = mapped_column(ForeignKey("stages.id"))
    organizer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))

    interview: Mapped[Stage] = relationship()
    organizer: Mapped[User] = relationship()
    interviewers: Mapped[list[Interviewer]] = relationship(order_by=Interviewer.id)

    @property
    def start(self) -> dict[str, datetime | date | None]:
        """The time or the day of the start."""
        return {"date": self.starts_on} if self.starts_on else {"date_time": self.starts_at}

    @property
    def end(self) -> dict[str, datetime | date | None]:
        """The time of the end, or the day after the last."""
        return {"date": self.ends_on} if self.ends_on else {"date_time": self.ends_at}
