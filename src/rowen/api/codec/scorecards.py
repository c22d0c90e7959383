"""The codec of scorecards that are made through the API: a document to a `Scorecard` and back.

Owns their JSON, which is that of the Harvest reference ("The scorecard object"). Must not know where documents are
stored, or who asks for them.
"""

from typing import Final

import msgspec

from rowen.api.codec.documents import read_instant
from rowen.interviews.scorecards import Scorecard

_encoder: Final = msgspec.json.Encoder(enc_hook=str)
_decoder: Final = msgspec.json.Decoder(Scorecard, dec_hook=read_instant)


class _Interviewer(msgspec.Struct):
    id: int


class _Interviewed(msgspec.Struct):
    interviewer: _Interviewer


_interviewed: Final = msgspec.json.Decoder(_Interviewed)


def decode(document: bytes) -> Scorecard:
    """Decode a stored scorecard."""
    return _decoder.decode(document)


def encode(scorecard: Scorecard) -> bytes:
    """Write one."""
    return _encoder.encode(scorecard)


def interviewer_id(document: bytes) -> int:
    """Return the id of a scorecard's interviewer; cheaper than decoding all of it."""
    return _interviewed.decode(document).interviewer.id
