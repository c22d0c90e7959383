"""The codec of records: users, applications, job stages and scorecards.

Owns their fields (public Harvest v1 reference, "The user object" and so on), a module for each resource, and how their
documents are written and read. Must not know where records come from or go.
"""

from rowen.api.codec.records.applications import ApplicationRecord, Job
from rowen.api.codec.records.documents import document, draft, inferred_job_stage, inferred_user, with_times
from rowen.api.codec.records.job_stages import JobStageRecord, StageInterview
from rowen.api.codec.records.references import candidate_id, interviews, people, user
from rowen.api.codec.records.scorecards import ScorecardRecord
from rowen.api.codec.records.shapes import SHAPES, detect_resource
from rowen.api.codec.records.users import UserRecord

__all__ = [
    "SHAPES",
    "ApplicationRecord",
    "Job",
    "JobStageRecord",
    "ScorecardRecord",
    "StageInterview",
    "UserRecord",
    "candidate_id",
    "detect_resource",
    "document",
    "draft",
    "inferred_job_stage",
    "inferred_user",
    "interviews",
    "people",
    "user",
    "with_times",
]
