"""SIGHUP: new workers with the current certificate files.

Owns that a server keeps its certificate if the new files are unusable. Granian starts new workers, and stops the old
ones after they have finished their requests. Must not know what makes a certificate usable (`certificates.py`).
"""

from pathlib import Path
from typing import Any

import structlog

from rowen.http.certificates import CertificateError, check_certificate

_log = structlog.stdlib.get_logger("rowen.serve")


def reload_certificate_on_hangup(server: Any, certificate: Path, key: Path) -> None:
    """Make a Granian server, before it serves, read both files again at each SIGHUP, by the names that it was given.

    `server` is not typed: Granian's annotations describe the values without TLS.
    """
    # Granian would resolve links only once: those of certbot and Kubernetes change at a renewal.
    is_on, _, _, *rest = server.ssl_ctx
    server.ssl_ctx = (is_on, str(certificate.absolute()), str(key.absolute()), *rest)
    reload = server.signal_handler_reload

    def reload_if_sound(*arguments: object) -> None:
        try:
            warnings = check_certificate(certificate, key)
        except CertificateError as error:
            _log.error(
                "certificate not reloaded: the previous one stays in use", option=error.option, reason=str(error)
            )
            return
        for warning in warnings:
            _log.warning("certificate reloaded with a warning", reason=warning)
        reload(*arguments)

    server.signal_handler_reload = reload_if_sound
