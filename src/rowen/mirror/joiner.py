"""Collecting the rows that a v1 document is joined from.

Owns which rows each document needs, reading them many at a time, and that one that cannot be joined leaves the others.
Must not know the fields of a document, or where it goes.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from rowen.api.codec import documents, records
from rowen.api.codec.documents import InvalidDocumentError
from rowen.app.interviews import InterviewRow
from rowen.app.mirror import MirroredRow, Mirrors, RowLink
from rowen.app.organizations import Organization
from rowen.app.records import APPLICATIONS, CANDIDATES, INTERVIEWS, JOB_STAGES, JOBS, SCORECARDS, USERS, RecordRow
from rowen.interviews.errors import Refusal
from rowen.interviews.interview import ScheduledInterview
from rowen.mirror import join, join_scorecards, rows
from rowen.mirror.join import COMPLETE, Known, LeftOut
from rowen.mirror.join_scorecards import ScorecardParts, Vocabulary
from rowen.mirror.rows import content_of, contents_of, read_contents

Content = TypeVar("Content", bound=rows.Row)


@dataclass(slots=True)
class Joined:
    """Joined records by id: interviews, other records, and those that have no v1 form (None), with the reason.

    `drafts` are the interviews as they are stored. `failed` are those that cannot be joined for a reason that nobody
    expected: its type, which names no person.
    """

    interviews: dict[int, ScheduledInterview | None] = field(default_factory=dict)
    drafts: list[InterviewRow] = field(default_factory=list)
    records: dict[int, RecordRow | None] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    def add(self, other: "Joined") -> None:
        """Add what was joined apart."""
        self.interviews |= other.interviews
        self.drafts += other.drafts
        self.records |= other.records
        self.left_out |= other.left_out
        self.failed |= other.failed


class Joiner:
    """Joins the rows of one mirrored organization."""

    def __init__(self, mirrors: Mirrors, organization: Organization) -> None:
        self._mirrors = mirrors
        self._organization = organization
        self._zone = ZoneInfo(organization.time_zone)
        self._ways: dict[str, Callable[[Sequence[int], Joined], Coroutine[Any, Any, None]]] = {
            USERS: self._users,
            JOBS: self._jobs,
            JOB_STAGES: self._job_stages,
            CANDIDATES: self._candidates,
            APPLICATIONS: self._applications,
            SCORECARDS: self._scorecards,
            INTERVIEWS: self._interviews,
        }

    async def join(self, target: str, identifiers: Sequence[int]) -> Joined:
        """Return the records of a resource of ours with these ids, as they follow from the rows. Raises Refusal."""
        joined = Joined()
        try:
            await self._ways[target](identifiers, joined)
        except Refusal:
            raise
        except Exception as error:  # one of them is at fault, and must not keep the others waiting
            if len(identifiers) == 1:
                return Joined(failed={identifiers[0]: type(error).__name__})
            joined = Joined()
            for each in identifiers:
                joined.add(await self.join(target, [each]))
        return joined

    async def _users(self, identifiers: Sequence[int], joined: Joined) -> None:
        for content, updated_at in await self._dated("users", identifiers, joined):
            self._record(USERS, join.user(content, updated_at), joined)

    async def _job_stages(self, identifiers: Sequence[int], joined: Joined) -> None:
        found = await self._all("job_interview_stages", identifiers, joined)
        interviews = await self._linked("job_interviews", RowLink.PARENT, (row.id for row in found))
        kits = await self._linked("interview_kits", RowLink.PARENT, (row.id for row in interviews))
        holders = await self._linked("default_interviewers", RowLink.PARENT, (row.id for row in kits))
        known = Known(users=await self._contents("users", (row.person_id for row in holders), rows.User))
        kit_of = {row.parent_id: row for row in reversed(kits) if row.parent_id is not None}
        by_stage, by_kit = _by(RowLink.PARENT, interviews), _by(RowLink.PARENT, holders)
        for row in found:
            mine = by_stage.get(row.id, [])
            my_kits = {each.id: kit_of[each.id] for each in mine if each.id in kit_of}
            held = {interview: by_kit.get(kit.id, []) for interview, kit in my_kits.items()}
            parts = [row, *mine, *my_kits.values(), *(each for some in held.values() for each in some)]
            plan = join.StagePlan(
                content_of(row),
                max(each.updated_at for each in parts),
                [content_of(each) for each in mine],
                {interview: kit.id for interview, kit in my_kits.items()},
                {
                    interview: sorted(each.person_id for each in some if each.person_id is not None)
                    for interview, some in held.items()
                },
            )
            self._record(JOB_STAGES, join.job_stage(plan, known), joined)

    async def _jobs(self, identifiers: Sequence[int], joined: Joined) -> None:
        for content, updated_at in await self._dated("jobs", identifiers, joined):
            self._record(JOBS, join.job(content, updated_at), joined)

    async def _candidates(self, identifiers: Sequence[int], joined: Joined) -> None:
        found = await self._all("candidates", identifiers, joined)
        applications = await self._linked("applications", RowLink.SUBJECT, (row.id for row in found))
        documents = await self._application_documents(applications)
        by_candidate = _by(RowLink.SUBJECT, applications)
        for row in found:
            mine = by_candidate.get(row.id, [])
            updated_at = max(each.updated_at for each in (row, *mine))
            document = join.candidate(content_of(row), updated_at, [documents[each.id] for each in mine])
            self._record(CANDIDATES, document, joined)

    async def _applications(self, identifiers: Sequence[int], joined: Joined) -> None:
        found = await self._all("applications", identifiers, joined)
        for document in (await self._application_documents(found)).values():
            self._record(APPLICATIONS, document, joined)

    async def _application_documents(self, found: Sequence[MirroredRow]) -> dict[int, dict[str, Any]]:
        stages: dict[int | None, list[rows.ApplicationStage]] = {}
        linked = await self._read(
            "application_stages", RowLink.PARENT, (row.id for row in found), rows.ApplicationStage
        )
        for each in linked:
            stages.setdefault(each.application_id, []).append(each)
        contents: list[rows.Application] = contents_of(found)
        jobs = [each for content in contents for each in (content.job_id, *(content.prospective_job_ids or []))]
        people = [each for content in contents for each in (content.recruiter_id, content.coordinator_id)]
        known = Known(
            users=await self._contents("users", people, rows.User), jobs=await self._contents("jobs", jobs, rows.Job)
        )
        return {content.id: join.application(content, stages.get(content.id, []), known) for content in contents}

    async def _scorecards(self, identifiers: Sequence[int], joined: Joined) -> None:
        found = [(row, content_of(row)) for row in await self._all("scorecards", identifiers, joined)]
        complete = [(row, content) for row, content in found if content.status == COMPLETE]
        kits = await self._contents("interview_kits", (row.subject_id for row, _ in complete), rows.InterviewKit)
        steps = [kit.job_interview_id for kit in kits.values()]
        people = [each for _, content in complete for each in (content.interviewer_id, content.submitter_id)]
        applications = (row.parent_id for row, _ in complete)
        known = Known(
            users=await self._contents("users", people, rows.User),
            job_interviews=await self._contents(
                "job_interviews", [*steps, *(each.job_interview_id for _, each in complete)], rows.JobInterview
            ),
            kits=kits,
            applications=await self._contents("applications", applications, rows.Application),
        )
        parts, vocabulary = await self._scorecard_parts([row for row, _ in complete])
        for each in parts:
            self._record(SCORECARDS, join_scorecards.scorecard(each, known, vocabulary), joined)

    async def _scorecard_parts(self, found: Sequence[MirroredRow]) -> tuple[Sequence[ScorecardParts], Vocabulary]:
        """Return scorecards with their attributes and answers, and the names of what these rate and answer."""
        attributes = await self._linked("scorecard_candidate_attributes", RowLink.PARENT, (row.id for row in found))
        answers = await self._linked("scorecard_question_answers", RowLink.PARENT, (row.id for row in found))
        chosen = await self._linked("scorecard_question_answer_options", RowLink.PARENT, (row.id for row in answers))
        named = await self._contents(
            "job_candidate_attributes", (row.subject_id for row in attributes), rows.JobAttribute
        )
        types = (each.candidate_attribute_type_id for each in named.values())
        asked, options = (row.subject_id for row in answers), (row.subject_id for row in chosen)
        vocabulary = Vocabulary(
            types=await self._contents("candidate_attribute_types", types, rows.AttributeType),
            attributes=named,
            questions=await self._contents("scorecard_questions", asked, rows.Question),
            options=await self._contents("scorecard_question_options", options, rows.QuestionOption),
        )
        attributes_of, answers_of = _by(RowLink.PARENT, attributes), _by(RowLink.PARENT, answers)
        chosen_of = _by(RowLink.PARENT, chosen)
        parts: list[ScorecardParts] = []
        for row in found:
            rated, answered = attributes_of.get(row.id, []), answers_of.get(row.id, [])
            picked = {each.id: chosen_of.get(each.id, []) for each in answered}
            newest = max(each.updated_at for each in (row, *rated, *answered, *chain.from_iterable(picked.values())))
            parts.append(
                ScorecardParts(
                    content_of(row),
                    newest,
                    [content_of(each) for each in rated],
                    [content_of(each) for each in answered],
                    {answer: [content_of(each) for each in some] for answer, some in picked.items()},
                )
            )
        return parts, vocabulary

    async def _interviews(self, identifiers: Sequence[int], joined: Joined) -> None:
        joined.interviews.update(dict.fromkeys(identifiers))
        body, times = await self._mirrors.dated_documents(self._organization.id, "interviews", identifiers)
        found: list[rows.Interview] = read_contents("interviews", body)
        panels: dict[int | None, list[rows.Interviewer]] = {}
        members = await self._read("interviewers", RowLink.PARENT, times, rows.Interviewer)
        for member in members:
            panels.setdefault(member.interview_id, []).append(member)
        people = {each.organizer_id for each in found} | {each.user_id for each in members}
        steps = {each.job_interview_id for each in found}
        scorecards = await self._contents("scorecards", {each.scorecard_id for each in members}, rows.Scorecard)
        known = Known(
            users=await self._contents("users", people, rows.User),
            job_interviews=await self._contents("job_interviews", steps, rows.JobInterview),
            complete=frozenset(each for each, content in scorecards.items() if content.status == COMPLETE),
        )
        for content in found:
            made = join.interview(content, times[content.id], panels.get(content.id, ()), known)
            if isinstance(made, LeftOut):
                joined.left_out[content.id] = made.value
            else:
                joined.interviews[content.id] = made
                joined.drafts.append(documents.draft(made, self._zone))  # now: the texts of its times are known

    async def _dated(self, resource: str, identifiers: Sequence[int], joined: Joined) -> Iterator[tuple[Any, int]]:
        """Return the contents of the records asked for, and when each was updated; the others have no v1 form."""
        joined.records.update(dict.fromkeys(identifiers))
        found, times = await self._mirrors.dated_documents(self._organization.id, resource, identifiers)
        return ((each, times[each.id]) for each in read_contents(resource, found))

    async def _all(self, resource: str, identifiers: Sequence[int], joined: Joined) -> Sequence[MirroredRow]:
        """Return the rows of the records asked for; those without a row have no v1 form."""
        joined.records.update(dict.fromkeys(identifiers))
        return list((await self._mirrors.rows(self._organization.id, resource, identifiers)).values())

    async def _linked(self, resource: str, link: RowLink, identifiers: Iterable[int]) -> Sequence[MirroredRow]:
        wanted = sorted(set(identifiers))
        return await self._mirrors.linked(self._organization.id, resource, link, wanted) if wanted else []

    async def _contents(
        self, resource: str, identifiers: Iterable[int | None], kind: type[Content]
    ) -> Mapping[int, Content]:
        return {each.id: each for each in await self._read(resource, None, identifiers, kind)}

    async def _read(
        self, resource: str, link: RowLink | None, identifiers: Iterable[int | None], _: type[Content]
    ) -> list[Content]:
        wanted = sorted({each for each in identifiers if each is not None})
        if not wanted:
            return []
        documents = await self._mirrors.documents(self._organization.id, resource, link, wanted)
        found: list[Content] = read_contents(resource, documents)
        return found

    def _record(self, resource: str, document: dict[str, Any], joined: Joined) -> None:
        identifier = document["id"]
        try:
            joined.records[identifier] = records.draft_of(resource, document)
        except InvalidDocumentError as error:
            joined.left_out[identifier] = str(error)


def _by(link: RowLink, found: Iterable[MirroredRow]) -> dict[int, list[MirroredRow]]:
    """Return rows by a link that they have."""
    result: dict[int, list[MirroredRow]] = {}
    for row in found:
        identifier = getattr(row, link.value)
        if identifier is not None:
            result.setdefault(identifier, []).append(row)
    return result
