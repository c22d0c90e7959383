"""The settings of API keys.

Owns these pages. Must not know what a key is made of, or how it is stored. A new key is shown once, on the page that
answers the form.
"""

from typing import Final, NamedTuple

from rowen.api.reading import values
from rowen.app.keys import ALL, READ_ONLY, RESOURCES, ApiKey, new_key, summary
from rowen.interviews.errors import Code, Refusal
from rowen.web.forms import Form
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, WebRequest
from rowen.web.settings.sections import KEYS, is_confirmed, question, rendered
from rowen.web.views import Viewer, local, moment

_ALL: Final = "all"
_READING: Final = "reading"
_SOME: Final = "some"
_ACCESS: Final = (_READING, _ALL, _SOME)
_OFFERED: Final = (
    *("scheduled_interviews", "scorecards", "candidates", "applications", "jobs", "job_stages", "users"),
    *("rooms", "pools", "availability", "busy", "slots", "bookings", "booking_links", "holds"),
    *("conflicts", "changes", "webhooks", "calendars"),
)
"""The resources whose permissions can be given one by one here; the command line has all of them."""


class ListedKey(NamedTuple):
    """A key in the list."""

    name: str
    prefix: str
    access: str
    created: str
    used: str
    revoked: bool


class KeyPages:
    """The pages of API keys."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports

    async def show(self, request: WebRequest) -> Answer:
        """List the keys."""
        return await self._list(request, Form(request.language))

    async def change(self, request: WebRequest) -> Answer:
        """Create a key and show it, or revoke one."""
        form = Form(request.language, request.form)
        organization = request.session.person.organization
        if form.value("action") == "revoke":
            if not is_confirmed(request):
                return await self._ask(request, form.value("key"))
            if not await self._ports.keys.revoke(organization.id, form.value("key"), self._ports.now()):
                raise Refusal(Code.NOT_FOUND)
            return Redirected(KEYS.path, message="revoked")
        name = form.read("name", values.name, "form.name")
        allowed = self._allowed(form)
        if name is None or form.problems:
            return await self._list(request, form)
        text, stored = new_key(name, allow=allowed)
        try:
            await self._ports.keys.create(organization.id, stored, self._ports.now())
        except Refusal as refusal:
            if refusal.code is not Code.CONFLICT:
                raise
            form.note("name", "keys.taken", name=name)
            return await self._list(request, form)
        return await self._list(request, Form(request.language), (name, text))

    async def _ask(self, request: WebRequest, name: str) -> Answer:
        """Ask before a key is revoked, with its last use. Raises Refusal (not found)."""
        keys = await self._ports.keys.all(request.session.person.organization.id)
        found = next((each for each in keys if each.name == name and each.revoked_at is None), None)
        if found is None:
            raise Refusal(Code.NOT_FOUND)
        text, key = request.language.text, _listed(request.viewer, found)
        used = text("keys.used", time=key.used) if key.used else text("keys.unused")
        asked = text("keys.revoke_question", name=name), text("keys.revoke_hint", used=used)
        return question(request, KEYS, asked, "keys.revoke", KEYS.path)

    def _allowed(self, form: Form) -> list[str]:
        """Return the permissions chosen; an empty list stands for all of them."""
        access = form.value("access")
        if access == _READING:
            return sorted(READ_ONLY)
        if access == _SOME:
            chosen = [f"{name}:{ALL}" for name in form.all("resource") if name in _OFFERED]
            if not chosen:
                form.note("resource", "keys.resource_needed")
            return chosen
        if access != _ALL:
            form.note("access", "keys.access_needed")
        return []

    async def _list(self, request: WebRequest, form: Form, made: tuple[str, str] | None = None) -> Answer:
        keys = await self._ports.keys.all(request.session.person.organization.id)
        text = request.language.text
        form.default("access", _READING)
        shown = {
            "form": form,
            "keys": [_listed(request.viewer, each) for each in sorted(keys, key=lambda each: bool(each.revoked_at))],
            "made": made,
            "access": [(each, text(f"keys.access_{each}")) for each in _ACCESS],
            "resources": [(each, text(f"resource.{each}")) for each in _OFFERED if each in RESOURCES],
            "chosen": form.all("resource"),
        }
        return rendered(request, KEYS, "settings_keys.html", shown, form.status)


def _listed(viewer: Viewer, key: ApiKey) -> ListedKey:
    language = viewer.language
    access = summary(key.permissions)
    if access in ("everything", "read-only"):
        words = language.text(f"keys.access_{_ALL if access == 'everything' else _READING}")
    else:
        resources = dict.fromkeys(each.partition(":")[0] for each in sorted(key.permissions))
        names = [language.text(f"resource.{each}") for each in resources if language.has(f"resource.{each}")]
        words = ", ".join(names) or language.counted("keys.permissions", len(key.permissions))
    return ListedKey(
        key.name,
        key.prefix,
        words,
        language.whole_day(local(viewer, key.created_at).date()),
        "" if key.last_used_at is None else moment(viewer, key.last_used_at),
        key.revoked_at is not None,
    )
