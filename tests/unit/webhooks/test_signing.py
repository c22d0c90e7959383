"""Both signatures, compared with the published vector of the Standard Webhooks and with its library."""

import hmac
from base64 import b64decode
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from rowen import __version__
from rowen.app.delivery_attempts import WebhookMessage
from rowen.app.subscriptions import new_secret
from rowen.interviews.moments import Instant
from rowen.webhooks.signing import signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
VECTOR = WebhookMessage("https://hooks.example.com/", "msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, (SECRET,))
AT = Instant(1614265330 * 1000 + 999)


def headers(message: WebhookMessage, now: Instant) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in signed_headers(message, now)}


def test_the_published_vector() -> None:
    found = headers(VECTOR, AT)
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert found["webhook-timestamp"] == "1614265330"
    assert found["webhook-id"] == found["Greenhouse-Event-ID"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_the_signature_that_existing_consumers_check() -> None:
    expected = hmac.new(SECRET.encode(), BODY, sha256).hexdigest()
    assert headers(VECTOR, AT)["Signature"] == f"sha256 {expected}"
    assert headers(VECTOR, Instant(AT + 86_400_000))["Signature"] == f"sha256 {expected}", "of the body alone"


def test_the_library_accepts_each_valid_secret_and_no_other() -> None:
    new, old, foreign = new_secret(), new_secret(), new_secret()
    now = Instant.of(datetime.now(UTC))
    body = '{"action":"ping","payload":{"name":"Größe 😀"}}'.encode()
    found = headers(VECTOR._replace(secrets=(new, old), body=body), now)
    assert len(found["webhook-signature"].split()) == 2
    for secret in (new, old):
        assert Webhook(secret).verify(body, found)["payload"]["name"] == "Größe 😀"
    with pytest.raises(WebhookVerificationError):
        Webhook(foreign).verify(body, found)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body.replace(b"ping", b"pong"), found)
    assert found["Signature"] == f"sha256 {hmac.new(new.encode(), body, sha256).hexdigest()}", "the newest secret"


def test_additional_headers() -> None:
    found = headers(VECTOR, AT)
    assert found["Content-Type"] == "application/json"
    assert found["User-Agent"] == f"rowen/{__version__}"
    assert SECRET not in "".join(found.values())


def test_a_new_secret() -> None:
    secret = new_secret(lambda size: bytes(range(size)))
    assert secret.startswith("whsec_")
    assert 24 <= len(b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    assert new_secret() != new_secret()
