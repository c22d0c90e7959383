"""The settings of pools: people of whom any can fill a seat, with their weights and tags.

Owns these pages. Must not know how somebody is chosen. The use cases are those of the API. A member is changed by a
form of its own: two people who change two members lose nothing, and a pool may have more members than a form has
fields.
"""

from collections.abc import Callable, Sequence
from typing import Final

from rowen.api.identifiers import read_identifier
from rowen.api.reading import setup_fields, values
from rowen.app.hiring import stored
from rowen.app.pools import change_pool, create_pool, delete_pool
from rowen.app.records import POOLS
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.pools import LARGEST_WEIGHT, MOST_MEMBERS, Pool, PoolFields, PoolMember
from rowen.web.directory import person_name
from rowen.web.forms import Form
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, WebRequest
from rowen.web.settings.sections import POOLS as SECTION
from rowen.web.settings.sections import identifier_of, is_confirmed, question, rendered
from rowen.web.submissions import write_once

_MOST_SHOWN: Final = 500

_Members = tuple[PoolMember, ...]


class PoolPages:
    """The pages of pools."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports
        self._codec = ports.services.setup_codec

    async def show(self, request: WebRequest) -> Answer:
        """List the pools."""
        return await self._list(request, Form(request.language))

    async def add(self, request: WebRequest) -> Answer:
        """Add a pool."""
        request.require("pools:create")
        form = Form(request.language, request.form)
        name = form.read("name", values.name, "form.name")
        if name is None:
            return await self._list(request, form)
        fields = PoolFields(name=name, on_behalf_of=request.session.person.user.id)

        async def work(unit: UnitOfWork) -> WriteResult:
            made = await create_pool(unit, self._codec, fields, request.session.name)
            return WriteResult(b"%d" % made.id)

        made = await write_once(self._ports.writing, request, "pool", work)
        return Redirected(f"{SECTION.path}/{made.body.decode()}", message="added")

    async def show_one(self, request: WebRequest) -> Answer:
        """Show a pool with its members."""
        return await self._one(request, await self._pool(request), Form(request.language))

    async def change(self, request: WebRequest) -> Answer:
        """Rename a pool, add members, change or remove one, or remove the pool."""
        pool, form = await self._pool(request), Form(request.language, request.form)
        action = form.value("action")
        if action == "remove":
            return await self._remove(request, pool)
        request.require("pools:update")
        if action == "change":
            name = form.read("name", values.name, "form.name") or ""
            await self._write(request, pool, form, lambda _: name)
        elif action == "add":
            chosen = [found for text in form.all("user") if (found := read_identifier(text)) is not None]
            if not chosen:
                form.note("user", "pools.nobody")
            await self._write(request, pool, form, lambda members: _with(members, chosen))
        else:
            member = _member(form, leaves=action == "leave")
            await self._write(request, pool, form, lambda members: _changed(members, *member))
        if form.problems:
            return await self._one(request, pool, form)
        return Redirected(f"{SECTION.path}/{pool.id}", message="removed" if action == "leave" else "saved")

    async def _write(
        self, request: WebRequest, pool: Pool, form: Form, change: Callable[[_Members], str | _Members]
    ) -> None:
        """Change the name or the members of a pool, by what they are now, unless the form has problems."""
        if form.problems:
            return
        acting = request.session.person.user.id

        async def work(unit: UnitOfWork) -> WriteResult:
            record = await stored(unit, POOLS, pool.id)
            wanted = change(self._codec.pool(record.document or b"").members)
            fields = (
                PoolFields(name=wanted, on_behalf_of=acting)
                if isinstance(wanted, str)
                else PoolFields(members=wanted, on_behalf_of=acting)
            )
            await change_pool(unit, self._codec, record, fields, request.session.name)
            return WriteResult(b"")

        try:
            await self._ports.writing.write(request.session.person.organization, work)
        except Refusal as refusal:
            if refusal.code is not Code.INVALID:
                raise
            form.note_refused(refusal.problems, {})

    async def _remove(self, request: WebRequest, pool: Pool) -> Answer:
        request.require("pools:delete")
        if not is_confirmed(request):
            text = request.language.text
            asked = text("pools.remove_question", name=pool.name), text("pools.remove_hint")
            return question(request, SECTION, asked, "pools.remove", f"{SECTION.path}/{pool.id}")

        async def work(unit: UnitOfWork) -> WriteResult:
            record = await stored(unit, POOLS, pool.id)
            await delete_pool(unit, record, request.session.person.user.id, request.session.name)
            return WriteResult(b"")

        await self._ports.writing.write(request.session.person.organization, work)
        return Redirected(SECTION.path, message="removed")

    async def _pool(self, request: WebRequest) -> Pool:
        pools = await self._ports.directory.pools(request.session.person.organization, identifier_of(request))
        if not pools:
            raise Refusal(Code.NOT_FOUND)
        return pools[0]

    async def _list(self, request: WebRequest, form: Form) -> Answer:
        pools = await self._ports.directory.pools(request.session.person.organization, most=_MOST_SHOWN)
        counted = request.language.counted
        shown = {"form": form, "pools": [(each, counted("pools.members", len(each.members))) for each in pools]}
        return rendered(request, SECTION, "settings_pools.html", shown, form.status)

    async def _one(self, request: WebRequest, pool: Pool, form: Form) -> Answer:
        users = await self._ports.directory.users(request.session.person.organization)
        names = {each.id: person_name(each) for each in users}
        disabled = {each.id for each in users if each.disabled}
        inside = {each.user_id for each in pool.members}
        ticked = set(form.all("user"))
        form.default("name", pool.name)
        members = sorted(pool.members, key=lambda each: names.get(each.user_id, "").casefold())
        shown = {
            "form": form,
            "pool": pool,
            "members": [
                (each, names.get(each.user_id, str(each.user_id)), each.user_id in disabled) for each in members
            ],
            "open": read_identifier(form.value("member")) if form.problems else None,
            "people": [
                (each.id, person_name(each), str(each.id) in ticked)
                for each in users
                if each.id not in inside | disabled
            ],
        }
        return rendered(request, SECTION, "settings_pool.html", shown, form.status)


def _member(form: Form, *, leaves: bool) -> tuple[int, PoolMember | None]:
    """Return the id of a member, and what the form makes of it, None if it leaves; with the problems noted."""
    user = read_identifier(form.value("member")) or 0
    if leaves:
        return user, None
    weight = form.whole("weight", 1, LARGEST_WEIGHT, "pools.weight_wrong")
    tags = tuple(dict.fromkeys(part for each in form.text("tags").split(",") if (part := each.strip())))
    if len(tags) > setup_fields.MOST_FEATURES or any(len(each) > values.LONGEST_NAME for each in tags):
        form.note("tags", "pools.tags_wrong", most=setup_fields.MOST_FEATURES)
    return user, PoolMember(user_id=user, weight=weight or 1, tags=tags)


def _with(members: _Members, users: Sequence[int]) -> _Members:
    """Return members with users added who are none yet."""
    inside = {each.user_id for each in members}
    return (*members, *(PoolMember(user_id=each) for each in dict.fromkeys(users) if each not in inside))[:MOST_MEMBERS]


def _changed(members: _Members, user: int, wanted: PoolMember | None) -> _Members:
    """Return members with another in place of the one with an id, or without it."""
    changed = (wanted if each.user_id == user else each for each in members)
    return tuple(each for each in changed if each is not None)
