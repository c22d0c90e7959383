"""What the units of work of an engine share.

Owns which parts of the store a unit of work needs, each made once for an engine. Must not know what is written.
"""

from rowen.app.holds import HoldCodec
from rowen.app.interviews import Codec
from rowen.app.records import RecordCodec
from rowen.app.setups import SetupCodec
from rowen.store.busy import BusyTable
from rowen.store.engines.base import Engine
from rowen.store.interviewers import InterviewerTable
from rowen.store.ledger.change_log import ChangeLog
from rowen.store.ledger.ledger import Ledger
from rowen.store.planning import PlanningReader
from rowen.store.records.renames import Renamer
from rowen.store.records.writer import RecordWriter
from rowen.store.rooms import RoomBookings
from rowen.store.unit_of_work.idempotency import IdempotencyKeys
from rowen.store.unit_of_work.statements import WriteStatements
from rowen.store.webhooks.outbox import Outbox

Codecs = tuple[Codec, RecordCodec, SetupCodec, HoldCodec]
"""Those of interviews, of records, of what scheduling needs, and of holds."""


class Dependencies:
    """The parts that every unit of work of an engine uses."""

    def __init__(self, engine: Engine, codecs: Codecs) -> None:
        codec, records_codec, setups, holds = codecs
        self.planning = PlanningReader(engine, (records_codec, setups, holds))
        self.codec = codec
        self.records_codec = records_codec
        self.statements = WriteStatements(engine)
        self.ledger = Ledger(engine)
        self.log = ChangeLog(engine, codec)
        self.outbox = Outbox(engine)
        self.records = RecordWriter(engine)
        self.interviewers = InterviewerTable(engine)
        self.renamer = Renamer(engine, codec)
        self.idempotency = IdempotencyKeys(engine)
        self.rooms = RoomBookings(engine, codec)
        self.busy = BusyTable(engine)
