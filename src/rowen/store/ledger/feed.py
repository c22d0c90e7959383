"""Reading the feed: the rows of `changes`.

Owns how a page of the feed and the history of an interview are found. Must not know their content: summaries and
documents are the bytes that were written with the change.
"""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, literal_column, select

from rowen.app.changes import FeedEntry, FeedPage
from rowen.app.organizations import Organization
from rowen.interviews.interview import InterviewId
from rowen.store.engines.base import Engine, ReadTarget, Row
from rowen.store.ledger.ledger import LEDGER, as_of
from rowen.store.schema.tables import BY_INTERVIEW_INDEX, changes, organizations


class ChangeFeed:
    """Reads changes through one engine.

    None can be skipped: every write takes the ledger first, so that a reader that sees a revision sees all before it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        columns = changes.c
        behind = and_(columns.organization_id == organizations.c.id, columns.revision > bindparam("revision"))
        # The ledger and the changes in one statement, so that they are consistent; without changes, only the ledger.
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
            # SQLite considers the primary key as good, which covers the changes of all interviews.
            .with_hint(changes, BY_INTERVIEW_INDEX)
            .where(columns.organization_id == bindparam("organization"), columns.interview_id == bindparam("interview"))
            .order_by(columns.revision)
        )

        self._latest = engine.prepare(
            select(columns.revision, columns.kind, columns.summary, columns.document)
            .with_hint(changes, BY_INTERVIEW_INDEX)
            .where(columns.organization_id == bindparam("organization"), columns.interview_id == bindparam("interview"))
            .order_by(columns.revision.desc())
            .limit(literal_column("1"))
        )

    async def after(self, organization: Organization, revision: int, limit: int) -> FeedPage:
        """Return the changes after a revision, in the order of commits.

        A revision that does not exist yet (after a restore) counts as the newest one.
        """
        rows = await self._target(organization, revision).rows(
            self._after, {"organization": organization.id, "revision": revision, "size": limit + 1}
        )
        organization, _ = as_of(organization, rows[0] if rows else None)
        entries = tuple(_entry(row) for row in rows[:limit] if row[3] is not None)
        more = len(rows) > limit
        return FeedPage(entries, entries[-1].revision if more else organization.revision, more, organization)

    def _target(self, organization: Organization, revision: int) -> ReadTarget:
        """Return the copy to read: for changes newer than any known version the primary, which has them first."""
        if revision >= organization.revision:
            return self._engine
        return self._engine.reader_for(organization.id, organization.version)

    async def history(self, organization: Organization, interview: InterviewId) -> Sequence[bytes]:
        """Return the summaries of an interview's changes, oldest first; they remain after it is cancelled."""
        copy = self._engine.reader_for(organization.id, organization.version)
        rows = await copy.rows(self._history, {"organization": organization.id, "interview": interview})
        return [row[0] for row in rows]

    async def latest(self, organization: Organization, interview: InterviewId) -> FeedEntry | None:
        """Return an interview's last change; None for an imported one that never changed."""
        copy = self._engine.reader_for(organization.id, organization.version)
        rows = await copy.rows(self._latest, {"organization": organization.id, "interview": interview})
        return FeedEntry(*rows[0]) if rows else None


def _entry(row: Row) -> FeedEntry:
    return FeedEntry(*row[len(LEDGER) :])
