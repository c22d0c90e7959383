"""The commands of clients on jobs, their plans, candidates and applications in plain Python.

Owns which ids they get, what is wrong with them, and their documents. Must not use anything of Rowen's, as Rowen is
compared with it.
"""

from dataclasses import dataclass, field
from typing import Final

from tests.support.model.ledger import RefusedError
from tests.support.model.rules import json_text, organizer, time_text
from tests.support.model.scorecards import CommandResult
from tests.support.model.users import UserModel
from tests.support.records import Record

IMPORTED_JOB: Final = 1
"""The job that imported stages name."""

_JOB: Final[Record] = {
    **dict.fromkeys(("id", "name", "requisition_id", "notes")),
    "confidential": False,
    **dict.fromkeys(("status", "created_at", "opened_at", "closed_at", "updated_at", "is_template", "copied_from_id")),
    "departments": [],
    "offices": [],
    "custom_fields": {},
    "keyed_custom_fields": {},
    "hiring_team": {name: [] for name in ("hiring_managers", "recruiters", "coordinators", "sourcers")},
    "openings": [],
}
_STAGE: Final[Record] = {
    **dict.fromkeys(("id", "name", "created_at", "updated_at")),
    "active": True,
    "job_id": None,
    "priority": 0,
    "interviews": [],
}
_INTERVIEW: Final[Record] = {
    "id": None,
    "name": None,
    "schedulable": True,
    "estimated_minutes": None,
    "default_interviewer_users": [],
    "interview_kit": None,
}
_CANDIDATE: Final[Record] = {
    **dict.fromkeys(("id", "first_name", "last_name", "company", "title", "created_at", "updated_at", "last_activity")),
    "is_private": False,
    "photo_url": None,
    "attachments": [],
    "application_ids": [],
    **{name: [] for name in ("phone_numbers", "addresses", "email_addresses", "website_addresses")},
    "social_media_addresses": [],
    "recruiter": None,
    "coordinator": None,
    "can_email": True,
    "tags": [],
    **{name: [] for name in ("applications", "educations", "employments", "linked_user_ids")},
    "custom_fields": {},
    "keyed_custom_fields": {},
}
_APPLICATION: Final[Record] = {
    "id": None,
    "candidate_id": None,
    "prospect": False,
    **dict.fromkeys(("applied_at", "rejected_at", "last_activity_at", "location", "source", "credited_to")),
    **dict.fromkeys(("recruiter", "coordinator", "rejection_reason", "rejection_details")),
    "jobs": [],
    "job_post_id": None,
    "status": "active",
    "current_stage": None,
    "answers": [],
    **dict.fromkeys(("prospective_office", "prospective_department")),
    "prospect_detail": dict.fromkeys(("prospect_pool", "prospect_stage", "prospect_owner")),
    "custom_fields": {},
    "keyed_custom_fields": {},
    "attachments": [],
}
_TIMES: Final = {
    "jobs": ("created_at", "updated_at"),
    "job_stages": ("created_at", "updated_at"),
    "candidates": ("created_at", "updated_at"),
    "applications": ("applied_at", "last_activity_at"),
}


@dataclass
class HiringModel(UserModel):
    """One organization with the commands on its jobs and candidates, too. `made` are their documents, by resource."""

    made: dict[str, dict[int, Record]] = field(default_factory=lambda: {name: {} for name in _TIMES})
    planned: dict[int, Record] = field(default_factory=dict)
    """Imported stages by id, as far as applications need them."""

    def create_job(self, now: int, acting: int | None, body: Record) -> CommandResult:
        """Add a job."""
        by = self._author(acting, [])
        identifier = self._draw("jobs")
        while any(each["job_id"] == identifier for each in self._plan()):
            identifier = self._draw("jobs")
        given = {"status": "open", **_given(body)}
        document = {**_JOB, "id": identifier, **given, **_dates(given["status"], now)}
        return self._add("jobs", document, now, by)

    def change_job(self, now: int, acting: int | None, identifier: int, body: Record) -> CommandResult:
        """Change a job."""
        before = self._stored("jobs", identifier)
        by = self._author(acting, [])
        given = _given(body)
        if given.get("status", before["status"]) != before["status"]:
            given |= _dates(given["status"], now)
        return self._alter("jobs", before, given, now, by)

    def create_stage(self, now: int, acting: int | None, body: Record) -> CommandResult:
        """Add a stage to a job."""
        wrong = [] if self._is_job(body["job_id"]) else ["job_id"]
        by = self._author(acting, wrong + self._strangers(body))
        priorities = [each["priority"] for each in self._plan() if each["job_id"] == body["job_id"]]
        given = {"priority": max(priorities, default=-1) + 1, **body}
        document = {**_STAGE, "id": self._draw("job_stages"), **given}
        document["interviews"] = self._interviews(body, {})
        return self._add("job_stages", document, now, by)

    def change_stage(self, now: int, acting: int | None, identifier: int, body: Record) -> CommandResult:
        """Change a stage that was made here."""
        before = self._stored("job_stages", identifier)
        by = self._author(acting, self._strangers(body))
        present = {each["id"]: each for each in before["interviews"]}
        given = {**body, "interviews": self._interviews(body, present)} if "interviews" in body else body
        return self._alter("job_stages", before, given, now, by)

    def create_candidate(self, now: int, acting: int | None, body: Record) -> CommandResult:
        """Add a candidate with applications."""
        wrong: list[str] = []
        stages = [
            self._first_stage(each, f"applications[{place}].", wrong) for place, each in enumerate(body["applications"])
        ]
        by = self._author(acting, wrong)
        candidate = self._draw("candidates")
        plain = {name: value for name, value in body.items() if name != "applications"}
        document = {**_CANDIDATE, **plain, "id": candidate, "last_activity": time_text(now)}
        result = self._add("candidates", document, now, by)
        for asked, stage in zip(body["applications"], stages, strict=True):
            _, result = self._apply(now, candidate, asked, stage, by)
        return result

    def create_application(self, now: int, acting: int | None, candidate: int, body: Record) -> CommandResult:
        """Add an application to a candidate."""
        self._stored("candidates", candidate)
        wrong: list[str] = []
        stage = self._first_stage(body, "", wrong)
        return self._apply(now, candidate, body, stage, self._author(acting, wrong))[0]

    def _apply(
        self, now: int, candidate: int, body: Record, stage: Record | None, by: Record
    ) -> tuple[CommandResult, CommandResult]:
        """Add an application, and return it and its candidate."""
        job = self.made["jobs"].get(body["job_id"])
        document = {
            **_APPLICATION,
            "id": self._draw("applications", *self.statuses),
            "candidate_id": candidate,
            "jobs": [{"id": body["job_id"], "name": None if job is None else job["name"]}],
            "current_stage": None if stage is None else {"id": stage["id"], "name": stage["name"]},
        }
        made = self._add("applications", document, now, by)
        before = self.made["candidates"][candidate]
        time = time_text(self._stamp(now))
        after = {
            **before,
            "last_activity": time,
            "updated_at": time,
            "application_ids": [document["id"], *before["application_ids"]],
            "applications": [self.made["applications"][document["id"]], *before["applications"]],
        }
        return made, self._log("candidates", before, after, by)

    def _first_stage(self, body: Record, path: str, wrong: list[str]) -> Record | None:
        if not self._is_job(body["job_id"]):
            wrong.append(f"{path}job_id")
            return None
        stages = [each for each in self._plan() if each["job_id"] == body["job_id"]]
        stages.sort(key=lambda each: (each["priority"], each["id"]))
        if "initial_stage_id" not in body:
            return next((each for each in stages if each["active"]), None)
        found = next((each for each in stages if each["id"] == body["initial_stage_id"]), None)
        if found is None:
            wrong.append(f"{path}initial_stage_id")
        return found

    def _learn(self, resource: str, record: Record) -> None:
        super()._learn(resource, record)
        if resource == "job_stages":
            self.planned[record["id"]] = {**_STAGE, **record}

    def _plan(self) -> list[Record]:
        """Return all stages."""
        return [*self.planned.values(), *self.made["job_stages"].values()]

    def _is_job(self, identifier: int) -> bool:
        return identifier in self.made["jobs"] or any(each["job_id"] == identifier for each in self._plan())

    def _author(self, acting: int | None, wrong: list[str]) -> Record:
        wrong = self._wrong_user(acting) + wrong
        if wrong or acting is None:
            raise RefusedError(422, *wrong)
        return self._by(acting)

    def _strangers(self, body: Record) -> list[str]:
        """Return the fields of default interviewers who are no users."""
        return [
            f"interviews[{position}].default_interviewer_users[{place}]"
            for position, interview in enumerate(body.get("interviews", ()))
            for place, user in enumerate(interview.get("default_interviewer_users", ()))
            if user not in self.users
        ]

    def _interviews(self, body: Record, present: dict[int, Record]) -> list[Record]:
        """Return the interviews of a stage; one that names an interview of the stage keeps its id."""
        found = []
        for each in body.get("interviews", ()):
            identifier = each["id"] if "id" in each else self._draw("job_stages")
            people = [organizer(self.users[user]) for user in each.get("default_interviewer_users", ())]
            fields = {"name": each["name"], "estimated_minutes": each.get("estimated_minutes")}
            before = present.get(identifier, _INTERVIEW)
            found.append({**before, "id": identifier, **fields, "default_interviewer_users": people})
        return found

    def _draw(self, resource: str, *others: int) -> int:
        """Return an id greater than all before it, and than those of the resource."""
        imported = self.planned if resource == "job_stages" else ()
        self.last_id = max([self.last_id, *self.made[resource], *imported, *others]) + 1
        return self.last_id

    def _stored(self, resource: str, identifier: int) -> Record:
        if identifier not in self.made[resource]:
            raise RefusedError(404)
        return self.made[resource][identifier]

    def _add(self, resource: str, document: Record, now: int, by: Record) -> CommandResult:
        time = time_text(self._stamp(now))
        return self._log(resource, None, {**document, **dict.fromkeys(_TIMES[resource], time)}, by)

    def _alter(self, resource: str, before: Record, given: Record, now: int, by: Record) -> CommandResult:
        if {**before, **given} == before:
            return CommandResult(json_text(before))
        return self._log(resource, before, {**before, **given, "updated_at": time_text(self._stamp(now))}, by)

    def _log(self, resource: str, before: Record | None, after: Record, by: Record) -> CommandResult:
        """Keep a document as the change stamped last."""
        self.made[resource][after["id"]] = after
        old: Record = before or {}
        fields = [
            {"field": f"{after['id']}.{name}", "before": old.get(name), "after": value}
            for name, value in after.items()
            if name not in ("id", *_TIMES[resource]) and old.get(name) != value and (old or value)
        ]
        self._append("recorded", by, None, fields, None)
        counts = {"new": int(before is None), "changed": int(before is not None)}
        self.happened[-1].summary.update(resource=resource, counts=counts)
        return CommandResult(json_text(after))


def _given(body: Record) -> Record:
    """Return a body in which an empty requisition is none."""
    return {**body, "requisition_id": None} if body.get("requisition_id") == "" else body


def _dates(status: str, now: int) -> Record:
    """Return when a job was opened or closed, as it gets a status."""
    if status == "open":
        return {"opened_at": time_text(now), "closed_at": None}
    return {"closed_at": time_text(now)} if status == "closed" else {}
