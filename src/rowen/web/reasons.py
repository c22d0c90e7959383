"""What webhooks and calendars say of addresses and of servers, in the words of the catalogue.

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
    (re.compile(r".*server of the address answered (?P<status>\d+)"), "reason.answered"),
    (re.compile(r".*server of the address did not answer within .*"), "reason.late"),
    (re.compile(r".*server of the address leads to an address that is private.*"), "reason.private"),
    (re.compile(r".*server of the address has no accepted certificate"), "reason.untrusted"),
    (re.compile(r".*server of the address failed in the TLS handshake"), "reason.tls"),
    (re.compile(r".*server of the address refused the connection"), "reason.refused"),
    (re.compile(r".*server of the address broke off.*"), "reason.broken"),
    (re.compile(r".*server of the address cannot be resolved"), "reason.unknown_host"),
    (re.compile(r".*address (sent too much|is larger than .*)"), "reason.calendar_large"),
    (re.compile(r".*returns (has more than|takes (more|too much)) .*"), "reason.calendar_large"),
    (re.compile(r".*server of the address (was redirected|sent a compressed) .*"), "reason.no_calendar"),
    (re.compile(r".*returns is not a calendar.*"), "reason.no_calendar"),
    (re.compile(r"What the address returns has (?P<detail>.*)"), "reason.calendar_odd"),
    (re.compile(r"The address could not be read"), "reason.calendar_fault"),
)
_OBJECTIONS: Final = (
    (re.compile(re.escape(sender.MUST_BE_PUBLIC)), "webhooks.private_url"),
    (re.compile("Must be one of at most .*"), "webhooks.too_many"),
)


def reason_in(language: Language, reason: str | None) -> str:
    """Return why something was not delivered, or not read, in a language; empty without a reason."""
    for pattern, key in _REASONS:
        found = pattern.fullmatch(reason or "")
        if found is not None:
            return language.text(key, **found.groupdict())
    return reason or ""


def objection(message: str) -> str:
    """Return the key of the text for what is wrong with a URL."""
    return next((key for pattern, key in _OBJECTIONS if pattern.fullmatch(message)), "webhooks.bad_url")
