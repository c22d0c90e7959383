"""Reading what happened: the rows of `changes`.

Owns how a page of the feed and the history of an interview are found. Must not decode what it hands on: entries are
joined of the bytes that were written with the change.
"""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, literal_column, select

from rowen.app.following import Entry, FeedPage
from rowen.app.ports import Organization
from rowen.interviews.interview import InterviewId
from rowen.interviews.moments import Instant
from rowen.store.engine import Copy, Engine, Row
from rowen.store.statements import LEDGER
from rowen.store.tables import BY_INTERVIEW_INDEX, changes, organizations


class ChangeFeed:
    """Reads changes from one engine.

    None can be skipped: every write takes the ledger first, so that whoever sees a revision sees all before it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        columns = changes.c
        behind = and_(columns.organization_id == organizations.c.id, columns.revision > bindparam("revision"))
        # The ledger and the changes in one statement, so that they are of one moment; where nothing is new, the ledger.
        self._after = engine.prepare(
            select(*LEDGER, columns.revision, columns.kind, columns.summary, columns.document)
            .select_from(organizations.outerjoin(changes, behind))
            .where(organizations.c.id == bindparam("organization"))
            .order_by(columns.revision)
            .limit(bindparam("size"))
            .offset(literal_column("0"))
        )
        self._history = engine.prepare(
            select(columns.summary)
            # SQLite takes the primary key for as good, which holds the changes of all interviews.
            .with_hint(changes, f"INDEXED BY {BY_INTERVIEW_INDEX}", "sqlite")
            .where(columns.organization_id == bindparam("organization"), columns.interview_id == bindparam("interview"))
            .order_by(columns.revision)
        )

    async def after(self, organization: Organization, revision: int, limit: int) -> FeedPage:
        """Return the changes behind a revision, in the order of commits.

        A revision that is still to come (of a database that was restored) counts as the newest that there is.
        """
        rows = await self._copy(organization, revision).rows(
            self._after, {"organization": organization.id, "revision": revision, "size": limit + 1}
        )
        if not rows:
            raise LookupError("the organization is gone")
        newest, last_updated_at, count = rows[0][:3]
        if (newest, last_updated_at) != organization.version:
            organization = organization._replace(
                revision=newest, last_updated_at=Instant(last_updated_at), interview_count=count
            )
        entries = tuple(_entry(row) for row in rows[:limit] if row[3] is not None)
        more = len(rows) > limit
        return FeedPage(entries, entries[-1].revision if more else newest, more, organization)

    def _copy(self, organization: Organization, revision: int) -> Copy:
        """Return where to look: for what is newer than anything known, in the database itself, where it is first."""
        if revision >= organization.revision:
            return self._engine
        return self._engine.at(organization.id, organization.version)

    async def history(self, organization: Organization, interview: InterviewId) -> Sequence[bytes]:
        """Return the summaries of an interview's changes, oldest first; they remain when it is cancelled."""
        copy = self._engine.at(organization.id, organization.version)
        rows = await copy.rows(self._history, {"organization": organization.id, "interview": interview})
        return [row[0] for row in rows]


def _entry(row: Row) -> Entry:
    revision, kind, summary, document = row[3:]
    # The summary is an object: the document goes in before the brace that closes it.
    return Entry(revision, kind, b"".join((summary[:-1], b',"document":', document or b"null", b"}")))
