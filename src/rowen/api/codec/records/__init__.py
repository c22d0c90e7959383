"""The codec of records: users, applications, job stages, scorecards, candidates and jobs.

Owns their fields (public Harvest v1 reference, "The user object" and so on), a module for each resource, and how their
documents are written and read. Must not know where records come from or go.
"""

from rowen.api.codec.records.applications import ApplicationJob, ApplicationRecord
from rowen.api.codec.records.candidates import CandidateApplication, CandidateJob, CandidateRecord, EmailAddress
from rowen.api.codec.records.differences import differences
from rowen.api.codec.records.documents import document, draft, draft_of, inferred_job_stage, inferred_user, with_times
from rowen.api.codec.records.identities import draft_by_email, identified
from rowen.api.codec.records.job_stages import JobStageRecord, StageInterview
from rowen.api.codec.records.jobs import (
    HiringTeam,
    JobDepartment,
    JobMember,
    JobOffice,
    JobRecord,
    Opening,
    hiring_team,
    openings,
)
from rowen.api.codec.records.references import candidate_id, interviews, people, user
from rowen.api.codec.records.scorecards import ScorecardRecord
from rowen.api.codec.records.shapes import SHAPES, detect_resource
from rowen.api.codec.records.users import UserRecord

__all__ = [
    "SHAPES",
    "ApplicationJob",
    "ApplicationRecord",
    "CandidateApplication",
    "CandidateJob",
    "CandidateRecord",
    "EmailAddress",
    "HiringTeam",
    "JobDepartment",
    "JobMember",
    "JobOffice",
    "JobRecord",
    "JobStageRecord",
    "Opening",
    "ScorecardRecord",
    "StageInterview",
    "UserRecord",
    "candidate_id",
    "detect_resource",
    "differences",
    "document",
    "draft",
    "draft_by_email",
    "draft_of",
    "hiring_team",
    "identified",
    "inferred_job_stage",
    "inferred_user",
    "interviews",
    "openings",
    "people",
    "user",
    "with_times",
]
