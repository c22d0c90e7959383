"""The files of `--tls-certificate` and `--tls-key`: what is wrong with them, before a server starts.

Owns the messages: each names the option and the file, and what to do. Must not know how a server uses the files.
"""

import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CERTIFICATE_OPTION: Final = "--tls-certificate"
KEY_OPTION: Final = "--tls-key"

_LARGEST: Final = 1024 * 1024
_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_KEYS: Final = (b"-----BEGIN PRIVATE KEY-----", b"-----BEGIN RSA PRIVATE KEY-----", b"-----BEGIN EC PRIVATE KEY-----")
_ENCRYPTED: Final = (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")
_DER: Final = b"\x30"  # a SEQUENCE, the first byte of both in DER
_MISMATCHES: Final = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
_TOO_WEAK: Final = ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")
_ELLIPTIC: Final = bytes.fromhex("06072a8648ce3d0201")  # the algorithm of a public key, as an object identifier
# The object identifier of its curve, which follows.
_CURVES: Final = (bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06052b81040022"))
_VALIDITY: Final = {9: "is not valid yet: is the clock of this machine right?", 10: "has expired"}
"""OpenSSL's codes for a certificate's dates, in words."""


class CertificateError(Exception):
    """A file that TLS cannot be served with; `option` is its option on the command line."""

    def __init__(self, option: str, file: Path, reason: str) -> None:
        super().__init__(f"{file} {reason}")
        self.option = option


def check_certificate(certificate: Path, key: Path) -> list[str]:
    """Check that TLS can be served with these files, and return warnings about them.

    Raises CertificateError.
    """
    _require_certificate(certificate)
    _require_key(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        raise _translated(error, certificate, key) from None
    _require_curve(certificate)
    return list(_warnings(context, certificate, key))


def _read(option: str, file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise CertificateError(option, file, f"cannot be read: {error.strerror}") from None
    if not content.strip():
        raise CertificateError(option, file, "is empty")
    if len(content) > _LARGEST:
        raise CertificateError(option, file, "is too large to be a file in PEM")
    return content


def _require_certificate(file: Path) -> None:
    content = _read(CERTIFICATE_OPTION, file)
    if _CERTIFICATE in content:
        return
    if b"PRIVATE KEY-----" in content:
        reason = f"holds a private key and no certificate: is it meant for {KEY_OPTION}?"
    elif content.startswith(_DER):
        reason = "is in DER, not in PEM: `openssl x509 -inform der -in FILE -out chain.pem` converts a certificate"
    else:
        reason = "holds no certificate in PEM: `-----BEGIN CERTIFICATE-----` is missing"
    raise CertificateError(CERTIFICATE_OPTION, file, reason)


def _require_key(file: Path) -> None:
    content = _read(KEY_OPTION, file)
    if any(mark in content for mark in _ENCRYPTED):
        reason = "is encrypted, and a server cannot ask for the passphrase: `openssl pkey -in FILE -out key.pem`"
        raise CertificateError(KEY_OPTION, file, f"{reason} decrypts it")
    if any(mark in content for mark in _KEYS):
        return
    if _CERTIFICATE in content:
        reason = f"holds a certificate and no private key: is it meant for {CERTIFICATE_OPTION}?"
    elif content.startswith(_DER):
        reason = "is in DER, not in PEM: `openssl pkey -inform der -in FILE -out key.pem` converts it"
    else:
        reason = "holds no private key in PEM: `-----BEGIN PRIVATE KEY-----` is missing"
    raise CertificateError(KEY_OPTION, file, reason)


def _translated(error: ssl.SSLError, certificate: Path, key: Path) -> CertificateError:
    """Return the error for the file that OpenSSL means."""
    if error.reason in _MISMATCHES:
        reason = f"is not the key of the first certificate in {certificate}: the server's own must come first"
        return CertificateError(KEY_OPTION, key, reason)
    if error.reason in _TOO_WEAK:
        return CertificateError(CERTIFICATE_OPTION, certificate, "is too weak: its key is too short or its hash broken")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate.read_text("ascii", "replace"))
    except (ssl.SSLError, ValueError):
        return CertificateError(CERTIFICATE_OPTION, certificate, "is damaged: a certificate in it cannot be read")
    return CertificateError(KEY_OPTION, key, "is damaged: its private key cannot be read")


def _first_certificate(file: Path) -> str:
    text = file.read_text("ascii", "replace")
    start, end = text.find(_CERTIFICATE.decode()), "-----END CERTIFICATE-----"
    return text[start : text.find(end, start) + len(end)] if end in text else text


def _require_curve(file: Path) -> None:
    """Raise for keys of curves that the server's TLS library lacks, such as P-521: its workers would crash."""
    der = ssl.PEM_cert_to_DER_cert(_first_certificate(file))
    _, found, rest = der.partition(_ELLIPTIC)
    if found and not rest.startswith(_CURVES):
        raise CertificateError(CERTIFICATE_OPTION, file, "has a key on an elliptic curve other than P-256 and P-384")


def _warnings(context: ssl.SSLContext, certificate: Path, key: Path) -> Iterator[str]:
    """Yield problems that should be fixed, but do not prevent a start: otherwise the server would be down."""
    mode = key.stat().st_mode
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        does = "read" if mode & stat.S_IROTH else "change"
        yield f"{KEY_OPTION}: every user of this machine can {does} {key}: `chmod 600` it"
    invalid = _validity(context, certificate)
    if invalid is not None:
        yield f"{CERTIFICATE_OPTION}: {certificate} {invalid}. Clients will refuse it"


def _validity(server: ssl.SSLContext, certificate: Path) -> str | None:
    """Return what is wrong with the dates of a certificate, as a client finds it in a handshake in memory."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trusting.load_verify_locations(cadata=_first_certificate(certificate))
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = trusting.wrap_bio(one, other), server.wrap_bio(other, one, server_side=True)
    for _ in range(4):  # flights of a handshake
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return _VALIDITY.get(error.verify_code)
    return None
