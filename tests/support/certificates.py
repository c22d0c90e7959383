"""Certificates for tests, made by OpenSSL.

Owns how they are made. Must not know what is tested with them.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

_AUTHORITY: Final = """\
[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of a certificate and of its key."""

    certificate: Path
    key: Path

    @property
    def options(self) -> list[str]:
        """The options of `rowen serve`."""
        return ["--tls-certificate", str(self.certificate), "--tls-key", str(self.key)]


def openssl(*arguments: str | Path) -> None:
    """Run OpenSSL; skip the test if it is not installed."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    subprocess.run([program, *map(str, arguments)], check=True, capture_output=True)


def new_pair(folder: Path, name: str, *options: str, addresses: str = "IP:127.0.0.1,DNS:localhost") -> Pair:
    """Make a certificate for this machine, valid for two days, and its key; `options` replace `-newkey rsa:2048`."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}-key.pem")
    subject = ("-subj", "/CN=localhost", "-addext", f"subjectAltName={addresses}")
    made = options or ("-newkey", "rsa:2048")
    openssl("req", "-x509", *made, "-nodes", "-days", "2", "-keyout", pair.key, "-out", pair.certificate, *subject)
    pair.key.chmod(0o600)
    return pair


def dated_pair(folder: Path, start: str, end: str) -> Pair:
    """Make a certificate that is valid between two days, such as `20200101`, and its key."""
    pair = Pair(folder / "dated.pem", folder / "dated-key.pem")
    request, settings = folder / "request.pem", folder / "authority.cnf"
    settings.write_text(_AUTHORITY.format(folder=folder))
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    openssl(
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", pair.key, "-out", request, "-subj", "/CN=localhost"
    )
    dates = ("-startdate", f"{start}000000Z", "-enddate", f"{end}000000Z")
    signed = ("-selfsign", "-keyfile", pair.key, "-in", request, "-out", pair.certificate)
    openssl("ca", "-batch", "-notext", "-config", settings, *signed, *dates)
    pair.key.chmod(0o600)
    return pair
