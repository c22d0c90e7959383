"""The examples of archived documents in the OpenAPI document.

Owns that they belong to the application, candidate, job and user of the other examples. Must not know how a description
is written.
"""

from typing import Final

from rowen.api.examples import APPLICATION, CANDIDATE_ID, INTERVIEWER_ID, JOB, JOB_ID
from rowen.api.schemas import Json
from rowen.app.archive import ARCHIVED, Parent, singular

_ID: Final = 48765
_KEYS: Final = {"application_id": APPLICATION["id"], "candidate_id": CANDIDATE_ID}
_OWNERS: Final[dict[str, int]] = {
    Parent.APPLICATION: APPLICATION["id"],
    Parent.CANDIDATE: CANDIDATE_ID,
    Parent.JOB: JOB_ID,
    Parent.USER: INTERVIEWER_ID,
}
_TERMS: Final = {"field_type": "job", "token": "tnch4u", "status": "accepted"}
_DATED: Final = {name: JOB[name] for name in ("created_at", "updated_at")}


def archived(resource: str) -> Json:
    """Return a document of a resource of the archive, with the fields that it is found by."""
    found = ARCHIVED[resource]
    parent = {} if found.parent is None else {found.parent.term: _OWNERS.get(found.parent, _ID)}
    key = {found.key: _ID, **_KEYS}[found.key]
    terms = {name: _TERMS.get(name, "1") for name in found.terms}
    return {found.key: key, "name": singular(resource).capitalize(), **parent, **terms, **_DATED}
