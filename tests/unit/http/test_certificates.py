"""Files that TLS cannot be served with are reported with their option and the reason, before a server starts."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rowen.http.certificates import CertificateError, check_certificate
from tests.support.certificates import Pair, dated_pair, new_pair, openssl
from tests.support.command import rowen

pytestmark = pytest.mark.slow

Spoil = Callable[[Pair, Pair, Path], Pair]
"""Makes a bad pair of two good ones, in a folder."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return new_pair(tmp_path_factory.mktemp("good"), "good")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return new_pair(tmp_path_factory.mktemp("other"), "other")


def written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


def converted(file: Path, *arguments: str | Path) -> Path:
    openssl(*arguments, "-out", file)
    return file


SPOILT: dict[str, tuple[Spoil, str, str]] = {
    "another key": (
        lambda good, other, _: Pair(good.certificate, other.key),
        "--tls-key",
        "is not the key of the first",
    ),
    "a key of another kind": (
        lambda good, _, folder: Pair(
            good.certificate, new_pair(folder, "ec", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256").key
        ),
        "--tls-key",
        "is not the key of the first",
    ),
    "a chain in the wrong order": (
        lambda good, other, folder: Pair(
            written(folder / "chain.pem", other.certificate.read_bytes() + good.certificate.read_bytes()), good.key
        ),
        "--tls-key",
        "the server's own must come first",
    ),
    "an encrypted key": (
        lambda good, _, folder: Pair(
            good.certificate,
            converted(folder / "key.pem", "pkey", "-in", good.key, "-aes256", "-passout", "pass:secret"),
        ),
        "--tls-key",
        "is encrypted",
    ),
    "an encrypted key of the old form": (
        lambda good, _, folder: Pair(
            good.certificate,
            converted(folder / "key.pem", "rsa", "-traditional", "-in", good.key, "-aes256", "-passout", "pass:secret"),
        ),
        "--tls-key",
        "is encrypted",
    ),
    "an empty certificate": (
        lambda good, _, folder: Pair(written(folder / "empty.pem", b""), good.key),
        "--tls-certificate",
        "is empty",
    ),
    "an empty key": (
        lambda good, _, folder: Pair(good.certificate, written(folder / "empty.pem", b"\n")),
        "--tls-key",
        "is empty",
    ),
    "a certificate in DER": (
        lambda good, _, folder: Pair(
            converted(folder / "chain.der", "x509", "-in", good.certificate, "-outform", "der"), good.key
        ),
        "--tls-certificate",
        "is in DER, not in PEM",
    ),
    "a key in DER": (
        lambda good, _, folder: Pair(
            good.certificate, converted(folder / "key.der", "pkey", "-in", good.key, "-outform", "der")
        ),
        "--tls-key",
        "is in DER, not in PEM",
    ),
    "files the wrong way round": (
        lambda good, _, __: Pair(good.key, good.certificate),
        "--tls-certificate",
        "is it meant for --tls-key?",
    ),
    "the certificate twice": (
        lambda good, _, __: Pair(good.certificate, good.certificate),
        "--tls-key",
        "is it meant for --tls-certificate?",
    ),
    "something else": (
        lambda good, _, folder: Pair(written(folder / "notes.txt", b"hello\n"), good.key),
        "--tls-certificate",
        "holds no certificate in PEM",
    ),
    "a damaged certificate": (
        lambda good, _, folder: Pair(
            written(folder / "chain.pem", good.certificate.read_bytes().replace(b"g", b"!")), good.key
        ),
        "--tls-certificate",
        "is damaged",
    ),
    "a damaged certificate further down": (
        lambda good, other, folder: Pair(
            written(
                folder / "chain.pem",
                good.certificate.read_bytes() + other.certificate.read_bytes().replace(b"g", b"!"),
            ),
            good.key,
        ),
        "--tls-certificate",
        "is damaged",
    ),
    "a damaged key": (
        lambda good, _, folder: Pair(
            good.certificate, written(folder / "key.pem", good.key.read_bytes().replace(b"g", b"!"))
        ),
        "--tls-key",
        "is damaged",
    ),
    "a weak key": (
        lambda _, __, folder: new_pair(folder, "weak", "-newkey", "rsa:1024"),
        "--tls-certificate",
        "too weak",
    ),
    "a curve that is not served": (
        lambda _, __, folder: new_pair(folder, "curve", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"),
        "--tls-certificate",
        "elliptic curve",
    ),
    "a very large file": (
        lambda good, _, folder: Pair(written(folder / "large.pem", good.certificate.read_bytes() * 2_000), good.key),
        "--tls-certificate",
        "is too large",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_file_that_cannot_be_used_is_named(good: Pair, other: Pair, tmp_path: Path, case: str) -> None:
    spoil, option, reason = SPOILT[case]
    bad = spoil(good, other, tmp_path)
    with pytest.raises(CertificateError) as refused:
        check_certificate(bad.certificate, bad.key)
    file = bad.certificate if option == "--tls-certificate" else bad.key
    assert refused.value.option == option
    assert str(refused.value).startswith(f"{file} ")
    assert reason in str(refused.value)
    assert "_ssl.c" not in str(refused.value)


@pytest.mark.slow
def test_a_server_does_not_start_with_them(good: Pair, other: Pair, tmp_path: Path) -> None:
    mismatched = Pair(good.certificate, other.key)
    done = rowen("serve", *mismatched.options, cwd=tmp_path, status=2)
    said = " ".join(done.stderr.replace("│", " ").split())
    assert "Invalid value for --tls-key" in said
    assert "is not the key of the first certificate" in said
    assert list(tmp_path.iterdir()) == [], "no database is made, no key is printed"


def test_every_common_form_of_a_key_is_taken(good: Pair, tmp_path: Path) -> None:
    curve = new_pair(tmp_path, "curve", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384")
    for pair in (
        good,
        curve,
        new_pair(tmp_path, "ed", "-newkey", "ed25519"),
        Pair(good.certificate, converted(tmp_path / "pkcs1.pem", "rsa", "-traditional", "-in", good.key)),
        Pair(curve.certificate, converted(tmp_path / "sec1.pem", "ec", "-in", curve.key)),
    ):
        pair.key.chmod(0o600)
        assert check_certificate(pair.certificate, pair.key) == []
    both = written(tmp_path / "both.pem", good.certificate.read_bytes() + good.key.read_bytes())
    both.chmod(0o600)
    assert check_certificate(both, both) == []


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [("20200101", "20210101", "has expired"), ("20980101", "20990101", "is not valid yet")],
)
def test_a_certificate_out_of_date_is_a_warning(tmp_path: Path, start: str, end: str, reason: str) -> None:
    pair = dated_pair(tmp_path, start, end)
    (warning,) = check_certificate(pair.certificate, pair.key)
    assert warning.startswith(f"--tls-certificate: {pair.certificate} {reason}")


@pytest.mark.parametrize(("mode", "does"), [(0o604, "read"), (0o602, "change"), (0o644, "read")])
def test_a_key_that_every_user_can_read_is_a_warning(good: Pair, tmp_path: Path, mode: int, does: str) -> None:
    key = Path(shutil.copy(good.key, tmp_path))
    key.chmod(mode)
    (warning,) = check_certificate(good.certificate, key)
    assert warning == f"--tls-key: every user of this machine can {does} {key}: `chmod 600` it"
    key.chmod(0o640)
    assert check_certificate(good.certificate, key) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_key_that_we_cannot_read_is_named(good: Pair, tmp_path: Path) -> None:
    key = Path(shutil.copy(good.key, tmp_path))
    key.chmod(0)
    with pytest.raises(CertificateError, match="cannot be read: Permission denied"):
        check_certificate(good.certificate, key)
