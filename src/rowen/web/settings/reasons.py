"""What webhooks say of addresses and of receivers, in the words of the catalogue.

Owns the translation of sentences that are stored and served in English. Must not know a page.
"""

import re
from typing import Final

from rowen.web.languages import Language
from rowen.webhooks import sender

_REASONS: Final = (
    (re.compile("the URL is not valid"), "reason.bad_url"),
    (re.compile("no answer within .*"), "reason.late"),
    (re.compile(re.escape(sender.FORBIDDEN)), "reason.private"),
    (re.compile(re.escape(sender.UNTRUSTED)), "reason.untrusted"),
    (re.compile("the TLS handshake failed"), "reason.tls"),
    (re.compile("the connection was refused"), "reason.refused"),
    (re.compile(re.escape(sender.EXCESSIVE)), "reason.excessive"),
    (re.compile("the connection broke off.*"), "reason.broken"),
    (re.compile("the host cannot be resolved"), "reason.unknown_host"),
    (re.compile("no answer"), "reason.none"),
    (re.compile(r"answered (?P<status>\d+).*"), "reason.answered"),
)
_OBJECTIONS: Final = (
    (re.compile(re.escape(sender.MUST_BE_PUBLIC)), "webhooks.private_url"),
    (re.compile("Must be one of at most .*"), "webhooks.too_many"),
)


def reason_in(language: Language, reason: str | None) -> str:
    """Return why something was not delivered, in a language; empty without a reason."""
    for pattern, key in _REASONS:
        found = pattern.fullmatch(reason or "")
        if found is not None:
            return language.text(key, **found.groupdict())
    return reason or ""


def objection(message: str) -> str:
    """Return the key of the text for what is wrong with the URL of a webhook."""
    return next((key for pattern, key in _OBJECTIONS if pattern.fullmatch(message)), "webhooks.bad_url")
