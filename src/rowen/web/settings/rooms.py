"""The settings of rooms.

Owns these pages. Must not know how a room is booked. The use cases are those of the API.
"""

from rowen.api.reading import setup_fields, values
from rowen.app.hiring import stored
from rowen.app.records import ROOMS
from rowen.app.rooms import change_room, create_room, delete_room
from rowen.app.unit_of_work import UnitOfWork, WriteOperation, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.rooms import Room, RoomFields
from rowen.web.forms import Form
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, WebRequest
from rowen.web.settings.sections import ROOMS as SECTION
from rowen.web.settings.sections import identifier_of, is_confirmed, question, rendered


class RoomPages:
    """The pages of rooms."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports
        self._codec = ports.services.setup_codec

    async def show(self, request: WebRequest) -> Answer:
        """List the rooms."""
        return await self._list(request, Form(request.language))

    async def add(self, request: WebRequest) -> Answer:
        """Add a room."""
        request.require("rooms:create")
        form = Form(request.language, request.form)
        fields = _read(request, form)

        async def work(unit: UnitOfWork) -> WriteResult:
            return WriteResult((await create_room(unit, self._codec, fields, request.session.name)).document or b"")

        if form.problems or not await self._written(request, form, work):
            return await self._list(request, form)
        return Redirected(SECTION.path, message="added")

    async def show_one(self, request: WebRequest) -> Answer:
        """Show a room."""
        return self._one(request, await self._room(request), Form(request.language))

    async def change(self, request: WebRequest) -> Answer:
        """Change a room, or remove it."""
        room, form = await self._room(request), Form(request.language, request.form)
        removes = form.value("action") == "remove"
        request.require("rooms:delete" if removes else "rooms:update")
        if removes and not is_confirmed(request):
            text = request.language.text
            asked = text("rooms.remove_question", name=room.name), text("rooms.remove_hint")
            return question(request, SECTION, asked, "rooms.remove", f"{SECTION.path}/{room.id}")
        fields = RoomFields() if removes else _read(request, form)

        async def work(unit: UnitOfWork) -> WriteResult:
            record = await stored(unit, ROOMS, room.id)
            if removes:
                await delete_room(unit, record, request.session.person.user.id, request.session.name)
            else:
                await change_room(unit, self._codec, record, fields, request.session.name)
            return WriteResult(b"")

        if form.problems or not await self._written(request, form, work):
            return self._one(request, room, form)
        return Redirected(SECTION.path, message="removed" if removes else "saved")

    async def _written(self, request: WebRequest, form: Form, work: WriteOperation) -> bool:
        """Write; False, with the problem noted, if another room has the name."""
        try:
            await self._ports.writing.write(request.session.person.organization, work)
        except Refusal as refusal:
            if refusal.code is not Code.INVALID:
                raise
            form.note_refused(refusal.problems, {"name": ("name", "rooms.taken")})
            return False
        return True

    async def _room(self, request: WebRequest) -> Room:
        rooms = await self._ports.directory.rooms(request.session.person.organization, identifier_of(request))
        if not rooms:
            raise Refusal(Code.NOT_FOUND)
        return rooms[0]

    async def _list(self, request: WebRequest, form: Form) -> Answer:
        rooms = await self._ports.directory.rooms(request.session.person.organization)
        shown = {"form": form, "rooms": [(each, _in_words(request, each)) for each in rooms]}
        return rendered(request, SECTION, "settings_rooms.html", shown, form.status)

    def _one(self, request: WebRequest, room: Room, form: Form) -> Answer:
        form.default("name", room.name)
        form.default("site", room.site or "")
        form.default("capacity", "" if room.capacity is None else str(room.capacity))
        form.default("features", ", ".join(room.features))
        return rendered(request, SECTION, "settings_room.html", {"form": form, "room": room}, form.status)


def _read(request: WebRequest, form: Form) -> RoomFields:
    """Return the fields of a room, with the problems noted."""
    name = form.read("name", values.name, "form.name")
    site = form.read_optional("site", values.name, "form.name")
    capacity = (
        form.whole("capacity", 1, setup_fields.LARGEST_ROOM, "rooms.capacity_wrong") if form.text("capacity") else None
    )
    features = tuple(dict.fromkeys(part for each in form.text("features").split(",") if (part := each.strip())))
    if len(features) > setup_fields.MOST_FEATURES or any(len(each) > values.LONGEST_NAME for each in features):
        form.note("features", "rooms.features_wrong", most=setup_fields.MOST_FEATURES)
    acting = request.session.person.user.id
    return RoomFields(name=name or "", site=site, capacity=capacity, features=features, on_behalf_of=acting)


def _in_words(request: WebRequest, room: Room) -> str:
    seats = "" if room.capacity is None else request.language.counted("rooms.seats", room.capacity)
    return " · ".join(part for part in (room.site, seats, ", ".join(room.features)) if part)
