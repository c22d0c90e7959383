"""Carrying out a write, once however often it is sent.

Owns the `Idempotency-Key` header, and how what was written becomes an answer. Must not know what is written.
"""

from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from rowen.app.desk import Repetition, Work
from rowen.app.services import Services
from rowen.harvest.calls import Answer, Call
from rowen.interviews.errors import Code, FieldProblem, Refusal

_LONGEST: Final = 255
_HEADER: Final = "Idempotency-Key"
_MEANT: Final = (b"on-behalf-of", b"if-match")
"""Headers that are part of what is asked."""


async def perform(services: Services, call: Call, work: Work) -> Answer:
    """Write, or return the answer given before to the same request. Raises Refusal."""
    written = await services.writing.write(call.organization, work, _repetition(call))
    return Answer(written.body, written.etag, warning=written.warning)


def _repetition(call: Call) -> Repetition | None:
    """Return what an `Idempotency-Key` stands for. Raises Refusal (invalid) where it is none."""
    if b"idempotency-key" not in call.headers:
        return None
    key = call.header(b"idempotency-key")
    if not 0 < len(key) <= _LONGEST or not key.isprintable():
        problem = FieldProblem(_HEADER, f"Must have 1 to {_LONGEST} characters, and no control characters")
        raise Refusal(Code.INVALID, problems=(problem,))
    asked = sha256(f"{call.method} {urlsplit(call.address).path}\n".encode())
    for name in _MEANT:
        asked.update(call.headers.get(name, b"") + b"\n")
    asked.update(call.body)
    return Repetition(call.key_id, key, asked.digest())
