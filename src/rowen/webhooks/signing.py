"""The signatures of a message, by which its receiver can verify the sender.

Owns the headers of both signatures. Must not know receivers or the network. Existing consumers check `Signature`, an
HMAC of the raw body under the newest secret; the libraries of the Standard Webhooks check `webhook-signature`, which
holds one signature for each valid secret.
"""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from standardwebhooks import Webhook

from rowen import __version__
from rowen.app.delivery_attempts import WebhookMessage
from rowen.interviews.moments import Instant

Headers = list[tuple[bytes, bytes]]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIXED: Final = (
    (b"Content-Type", b"application/json"),
    (b"User-Agent", b"rowen/" + __version__.encode()),
    (b"Accept", b"*/*"),
    (b"Accept-Encoding", b"identity"),
)


def signed_headers(message: WebhookMessage, now: Instant) -> Headers:
    """Return the headers of one attempt, made at `now`."""
    moment = _EPOCH + timedelta(milliseconds=int(now))
    text = message.body.decode()
    signatures = [Webhook(secret).sign(message.event_id, moment, text) for secret in message.secrets]
    return [
        *_FIXED,
        (b"Signature", b"sha256 " + harvest_signature(message.secrets[0], message.body).encode()),
        (b"Greenhouse-Event-ID", message.event_id.encode()),
        (b"webhook-id", message.event_id.encode()),
        (b"webhook-timestamp", b"%d" % (now // 1000)),
        (b"webhook-signature", " ".join(signatures).encode()),
    ]


def harvest_signature(secret: str, body: bytes) -> str:
    """Return the HMAC-SHA256 of a body in hexadecimal, keyed with a secret as it is shown, `whsec_` included."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()
