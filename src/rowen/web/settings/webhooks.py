"""The settings of webhooks, and their deliveries.

Owns these pages. Must not know how anything is sent. A secret is shown once, on the page that answers the form. The
text of a receiver's response is not shown where it may come from a private host: an admin may set the URL, but should
not read from the operator's network by it.
"""

import json
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from rowen.app.deliveries import Delivery, DeliveryState, OneDelivery
from rowen.app.delivery_attempts import AttemptResult
from rowen.app.subscriptions import Action, Webhook, WebhookChange, WebhookId
from rowen.interviews.errors import Code, Refusal
from rowen.web.forms import Form
from rowen.web.ports import PagePorts
from rowen.web.reasons import objection, reason_in
from rowen.web.request import Answer, Redirected, WebRequest
from rowen.web.settings.sections import WEBHOOKS, identifier_of, is_confirmed, question, rendered
from rowen.web.views import Viewer, moment

_MOST_DELIVERIES: Final = 100
_LONGEST_EVENT_ID: Final = 255


class WebhookPages:
    """The pages of webhooks."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports
        self._webhooks = ports.services.webhooks

    async def show(self, request: WebRequest) -> Answer:
        """List the webhooks."""
        return await self._list(request, Form(request.language))

    async def add(self, request: WebRequest) -> Answer:
        """Add a webhook, and show its secret."""
        request.require("webhooks:create")
        form = Form(request.language, request.form)
        actions, url = _read(form)
        if form.problems:
            return await self._list(request, form)
        try:
            added = await self._webhooks.add(request.session.person.organization.id, url, actions)
        except Refusal as refusal:
            _note_url(form, refusal)
            return await self._list(request, form)
        return await self._one(request, added.id, secret=added.secret)

    async def show_one(self, request: WebRequest) -> Answer:
        """Show a webhook with its newest deliveries."""
        return await self._one(request, _webhook_id(request))

    async def change(self, request: WebRequest) -> Answer:
        """Change a webhook, send a test, make a new secret, or remove it."""
        webhook, organization = _webhook_id(request), request.session.person.organization.id
        form = Form(request.language, request.form)
        match form.value("action"):
            case "change":
                request.require("webhooks:update")
                actions, url = _read(form)
                if form.problems:
                    return await self._one(request, webhook, form)
                try:
                    await self._webhooks.change(organization, webhook, WebhookChange(url, actions))
                except Refusal as refusal:
                    _note_url(form, refusal)
                    return await self._one(request, webhook, form)
            case "enable" | "disable" as wanted:
                request.require("webhooks:update")
                await self._webhooks.change(organization, webhook, WebhookChange(enabled=wanted == "enable"))
            case "test":
                request.require("webhooks:test")
                return await self._one(request, webhook, test=await self._webhooks.test(organization, webhook))
            case "rotate":
                request.require("webhooks:rotate")
                rotated = await self._webhooks.rotate(organization, webhook)
                return await self._one(request, webhook, secret=rotated.secret)
            case "delete":
                request.require("webhooks:delete")
                if not is_confirmed(request):
                    return await self._ask(request, webhook)
                await self._webhooks.remove(organization, webhook)
                return Redirected(WEBHOOKS.path, message="removed")
            case _:
                raise Refusal(Code.INVALID)
        return Redirected(f"{WEBHOOKS.path}/{webhook}", message="saved")

    async def show_delivery(self, request: WebRequest) -> Answer:
        """Show a delivery with what was sent, and what came back."""
        webhook, event = _webhook_id(request), _event_of(request)
        organization = request.session.person.organization.id
        found = await self._webhooks.find(organization, webhook)
        detail = await self._webhooks.delivery(organization, webhook, event)
        private = self._hides_responses(found)
        shown = {
            "webhook": webhook,
            "host": _host(found.url),
            "delivery": _listed(request.viewer, detail.delivery),
            "error": reason_in(request.language, detail.delivery.last_error),
            "sent": _pretty(detail.body),
            "private": private,
            "received": "" if private else _decoded(detail.last_answer),
            "status": detail.delivery.last_status,
            "pending": detail.delivery.state is DeliveryState.PENDING,
        }
        return rendered(request, WEBHOOKS, "settings_delivery.html", shown)

    async def change_delivery(self, request: WebRequest) -> Answer:
        """Send a delivery again, or skip it."""
        webhook, event = _webhook_id(request), _event_of(request)
        organization = request.session.person.organization.id
        if request.form.get("action") == "skip":
            request.require("webhooks:skip")
            await self._webhooks.skip(organization, webhook, OneDelivery(event))
        else:
            request.require("webhooks:resend")
            try:
                await self._webhooks.resend(organization, webhook, OneDelivery(event))
            except Refusal as refusal:
                if refusal.code is not Code.CONFLICT:
                    raise
                return await self._one(request, webhook, note="webhooks.enable_first")
        return Redirected(f"{WEBHOOKS.path}/{webhook}/deliveries/{event}")

    async def _list(self, request: WebRequest, form: Form) -> Answer:
        webhooks = await self._webhooks.all(request.session.person.organization.id)
        chosen = form.all("event") if form.problems else [each.value for each in Action]
        shown = {
            "form": form,
            "webhooks": [(each.id, each.url, each.enabled, _actions_in_words(request, each)) for each in webhooks],
            "events": _event_choices(request, chosen),
        }
        return rendered(request, WEBHOOKS, "settings_webhooks.html", shown, form.status)

    async def _ask(self, request: WebRequest, webhook: WebhookId) -> Answer:
        organization, text = request.session.person.organization.id, request.language.text
        found = await self._webhooks.find(organization, webhook)
        asked = text("webhooks.delete_question", host=_host(found.url)), text("webhooks.delete_hint", url=found.url)
        return question(request, WEBHOOKS, asked, "webhooks.delete", f"{WEBHOOKS.path}/{webhook}")

    def _hides_responses(self, webhook: Webhook) -> bool:
        return webhook.allowed_host is not None or not self._ports.shows_responses

    async def _one(
        self,
        request: WebRequest,
        webhook: WebhookId,
        form: Form | None = None,
        secret: str | None = None,
        test: AttemptResult | None = None,
        note: str = "",
    ) -> Answer:
        organization, viewer = request.session.person.organization.id, request.viewer
        found = await self._webhooks.find(organization, webhook)
        deliveries = await self._webhooks.deliveries(organization, webhook, _MOST_DELIVERIES)
        until, form = found.previous_secret_until, form or Form(request.language)
        form.default("url", found.url)
        chosen = form.all("event") if form.problems else [each.value for each in found.actions]
        shown = {
            "form": form,
            "choices": _event_choices(request, chosen),
            "webhook": found,
            "reason": reason_in(request.language, found.reason),
            "host": _host(found.url),
            "events": _actions_in_words(request, found),
            "deliveries": [_listed(viewer, each) for each in deliveries],
            "secret_text": secret,
            "until": "" if until is None or until <= self._ports.now() else moment(viewer, until),
            "note": note,
            "test": test,
            "test_failure": reason_in(request.language, test.reason) if test else "",
            "test_body": _pretty(self._webhooks.ping_body(webhook)),
            "test_answer": "" if test is None or self._hides_responses(found) else _decoded(test.excerpt),
        }
        return rendered(request, WEBHOOKS, "settings_webhook.html", shown, form.status)


def _decoded(answer: bytes | None) -> str:
    return (answer or b"").decode("utf-8", "replace")


def _webhook_id(request: WebRequest) -> WebhookId:
    return WebhookId(identifier_of(request))


def _event_of(request: WebRequest) -> str:
    event = request.parameters["event"]
    if len(event) > _LONGEST_EVENT_ID or not event.isascii() or not event.isprintable():
        raise Refusal(Code.NOT_FOUND)
    return event


def _read(form: Form) -> tuple[frozenset[Action], str]:
    """Return the events and the URL of a form, with the problems noted."""
    chosen, url = form.all("event"), form.text("url")
    actions = frozenset(each for each in Action if each.value in chosen)
    if not actions:
        form.note("event", "webhooks.event_needed")
    if not url:
        form.note("url", "form.address")
    return actions, url


def _note_url(form: Form, refusal: Refusal) -> None:
    """Note why nothing may be sent to a URL. Raises the refusal if it is another one."""
    if refusal.code is not Code.INVALID:
        raise refusal
    form.note("url", objection(refusal.problems[0].message if refusal.problems else ""))


def _event_choices(request: WebRequest, chosen: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Return the events as values, in words, and whether each is chosen."""
    return [(each.value, request.language.text(f"event.{each.value}"), each.value in chosen) for each in Action]


def _actions_in_words(request: WebRequest, webhook: Webhook) -> str:
    if webhook.actions == frozenset(Action):
        return request.language.text("webhooks.every_event")
    return ", ".join(request.language.text(f"event.{each.value}") for each in Action if each in webhook.actions)


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _listed(viewer: Viewer, delivery: Delivery) -> dict[str, object]:
    text = viewer.language.text
    return {
        "event": delivery.event_id,
        "state": delivery.state.value,
        "words": text(f"delivery.{delivery.state.value}"),
        "action": text(f"event.{delivery.action.value}"),
        "created": moment(viewer, delivery.created_at),
        "attempts": viewer.language.counted("delivery.attempts", delivery.attempts),
        "interview": delivery.interview_id,
        "status": delivery.last_status,
        "next": moment(viewer, delivery.next_attempt_at) if delivery.settled_at is None else "",
    }


def _pretty(body: bytes) -> str:
    """Return JSON with its parts on lines of their own."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body.decode("utf-8", "replace")
