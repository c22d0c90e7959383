"""Handing in scorecards: Rowen's own calls, which the Harvest API had only for reading.

Owns what each call does between an authorised request and its answer. Must not know HTTP's transport, authentication
or SQL.
"""

from typing import Final

import msgspec

from rowen.app import feedback
from rowen.app.desk import Desk, Written
from rowen.app.services import Services
from rowen.harvest.bodies import Problems
from rowen.harvest.calls import Answer, Call
from rowen.harvest.conditional import document_etag
from rowen.harvest.documents import read_instant
from rowen.harvest.repetition import perform
from rowen.harvest.writing import read_new_scorecard, read_scorecard_changes, read_user
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.scorecards import Scorecard

_encoder: Final = msgspec.json.Encoder(enc_hook=str)
_decoder: Final = msgspec.json.Decoder(Scorecard, dec_hook=read_instant)


class _Codec:
    """Scorecards as JSON."""

    def decode_scorecard(self, document: bytes) -> Scorecard:
        """Read one that was stored."""
        return _decoder.decode(document)

    def encode_scorecard(self, scorecard: Scorecard) -> bytes:
        """Write one."""
        return _encoder.encode(scorecard)


_CODEC: Final = _Codec()


async def create_scorecard(services: Services, call: Call) -> Answer:
    """Make a scorecard, and submit it if that is asked."""
    fields = read_new_scorecard(call)

    async def work(desk: Desk) -> Written:
        return _written(await feedback.create_scorecard(desk, _CODEC, fields, call.key_name))

    return await perform(services, call, work)


async def change_scorecard(services: Services, call: Call) -> Answer:
    """Change a scorecard that is not submitted yet, and submit it if that is asked."""
    identifier = call.identifier
    fields = read_scorecard_changes(call)

    async def work(desk: Desk) -> Written:
        return _written(await feedback.change_scorecard(desk, _CODEC, identifier, fields, call.key_name))

    return await perform(services, call, work)


async def delete_scorecard(services: Services, call: Call) -> Answer:
    """Delete a scorecard, and take back what its submission made of the interview."""
    identifier = call.identifier
    problems = Problems()
    user = read_user(call, problems)

    async def work(desk: Desk) -> Written:
        if problems.found:
            raise Refusal(Code.INVALID, problems=tuple(problems.found))
        await feedback.delete_scorecard(desk, _CODEC, identifier, user, call.key_name)
        return Written(msgspec.json.encode({"message": f"Scorecard {identifier} has been deleted."}))

    return await perform(services, call, work)


def _written(document: bytes) -> Written:
    return Written(document, document_etag(document))
