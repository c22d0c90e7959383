"""The demo's jobs, each with the plan of its interviews.

Owns which interviews a job has, in which stages, and which job an application is for. Must not know a clock or a
database.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from rowen.api import examples
from rowen.interviews.hiring import JobStatus
from rowen.interviews.interview import InterviewReference, ScheduledInterview

WHOLE_DAY: Final = 7006
"""The id of the interview that takes a whole day."""


class Planned(NamedTuple):
    """An interview of a plan: its minutes (0 for a whole day), and the place in `INTERVIEWERS` of who usually holds it.

    Interviews are drawn from one list for all jobs: `drawn` are the ids there for which this job has another interview.
    """

    id: int
    name: str
    minutes: int
    usual: int
    drawn: tuple[int, ...] = ()


class PlanStage(NamedTuple):
    """A stage of a plan, with its interviews."""

    id: int
    name: str
    interviews: tuple[Planned, ...]


class PlannedJob(NamedTuple):
    """A job with the numbers of its openings, and the stages of its plan."""

    id: int
    name: str
    requisition: str
    status: JobStatus
    openings: tuple[int, ...]
    stages: tuple[PlanStage, ...]


ENGINEER: Final = PlannedJob(
    examples.JOB_ID,
    examples.JOB["name"],
    "ENG-1",
    JobStatus.OPEN,
    (1, 2),
    (
        PlanStage(6000, "Phone Screen", (Planned(7003, "Phone Screen", 30, 2),)),
        PlanStage(
            examples.STAGE_ID,
            "Face to Face",
            (
                Planned(7002, "Whiteboarding Challenge", 60, 1),
                Planned(7004, "System Design", 60, 3),
                Planned(7001, "Culture Fit", 45, 0),
            ),
        ),
        PlanStage(6002, "Hiring Manager", (Planned(7005, "Hiring Manager", 45, 4),)),
    ),
)
DESIGNER: Final = PlannedJob(
    8004,
    "Product Designer",
    "DES-1",
    JobStatus.OPEN,
    (4,),
    (
        PlanStage(6401, "Phone Screen", (Planned(7401, "Phone Screen", 30, 6, (7003,)),)),
        PlanStage(
            6402,
            "Face to Face",
            (
                Planned(7402, "Portfolio Review", 60, 0, (7002, 7004)),
                Planned(7403, "Team Interview", 45, 5, (7001, 7005)),
            ),
        ),
        PlanStage(6403, "Onsite Day", (Planned(WHOLE_DAY, "Onsite Day", 0, 5),)),
    ),
)
ANALYST: Final = PlannedJob(
    8002,
    "Data Analyst",
    "DATA-1",
    JobStatus.DRAFT,
    (),
    (
        PlanStage(6201, "Phone Screen", (Planned(7201, "Phone Screen", 30, 1),)),
        PlanStage(
            6202,
            "Face to Face",
            (
                Planned(7202, "SQL Exercise", 60, 2),
                Planned(7203, "Case Study", 60, 3),
                Planned(7204, "Hiring Manager", 45, 4),
            ),
        ),
    ),
)
MANAGER: Final = PlannedJob(
    8003,
    "Community Manager",
    "COM-1",
    JobStatus.CLOSED,
    (3,),
    (
        PlanStage(6301, "Phone Screen", (Planned(7301, "Phone Screen", 30, 5),)),
        PlanStage(
            6302,
            "Face to Face",
            (Planned(7302, "Writing Exercise", 45, 6), Planned(7303, "Team Interview", 45, 0)),
        ),
    ),
)
PLANNED_JOBS: Final = (ENGINEER, DESIGNER, ANALYST, MANAGER)
"""The jobs of the demo. Two are open; of the others one is being prepared, and one is closed."""
PLANNED: Final = {each.id: each for job in PLANNED_JOBS for stage in job.stages for each in stage.interviews}
"""The interviews of all plans, by id."""

_REPLACED: Final = {
    drawn: InterviewReference(id=each.id, name=each.name)
    for stage in DESIGNER.stages
    for each in stage.interviews
    for drawn in each.drawn
}


def stage_of(interview: ScheduledInterview) -> tuple[PlannedJob, PlanStage]:
    """Return the job and the stage whose plan has an interview. Raises LookupError: no plan has it."""
    planned = _planned_id(interview)
    for job in PLANNED_JOBS:
        for stage in job.stages:
            if any(each.id == planned for each in stage.interviews):
                return job, stage
    raise LookupError(planned)


def by_plan(interviews: Sequence[ScheduledInterview]) -> Iterable[ScheduledInterview]:
    """Yield interviews, each as one of the plan of its job.

    An application with an interview of a whole day is for the designer, and any other for the engineer.
    """
    designers = {each.application_id for each in interviews if _planned_id(each) == WHOLE_DAY}
    for each in interviews:
        replaced = _REPLACED.get(_planned_id(each) or 0) if each.application_id in designers else None
        yield each if replaced is None else msgspec.structs.replace(each, interview=replaced)


def _planned_id(interview: ScheduledInterview) -> int | None:
    return None if interview.interview is None else interview.interview.id
