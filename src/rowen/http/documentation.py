"""The documentation: the site that is built from docs/, and the interactive API reference.

Owns `/docs` and every path under it. Must not know the schedule, nor how the site is built.
"""

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from starlette.types import Receive, Scope, Send

from rowen.http.assets import Asset, Redirect, Room
from rowen.http.responses import Headers
from rowen.interviews.errors import Code, Refusal

SITE_FOLDER: Final = Path(__file__).parents[1] / "site"
"""The site in a wheel (docs/decisions/0028). A clone of the repository has none until `make site` builds it."""
SITE_PATH: Final = "/docs/{path:path}"
_SITE_ROUTE: Final = "/docs/{path}"

_HTML: Final = b"text/html;charset=utf-8"
_MEDIA_TYPES: Final = {
    ".html": _HTML,
    ".css": b"text/css;charset=utf-8",
    ".js": b"text/javascript;charset=utf-8",
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
    ".txt": b"text/plain;charset=utf-8",
}
# Scripts are in separate files: the policy allows no inline code.
_POLICY: Final[Headers] = [
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    )
]
_REFERENCE: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rowen: the API</title>
<link rel="icon" href="api/favicon-32x32.png">
<link rel="stylesheet" href="api/swagger-ui.css">
<link rel="stylesheet" href="api/page.css">
%s<div id="swagger-ui"></div>
<script src="api/swagger-ui-bundle.js"></script>
<script src="api/start.js"></script>
</html>
"""
_LINK_TO_SITE: Final = b'<nav><a href="index.html">Rowen documentation</a></nav>\n'
_START: Final = b"""SwaggerUIBundle({
  url: "../openapi.json", dom_id: "#swagger-ui", tryItOutEnabled: false, validatorUrl: null, deepLinking: true
});
"""
# Swagger UI has no dark colours: inverting its light ones makes them.
_STYLE: Final = b"""body { margin: 0; }
nav { max-width: 1460px; margin: 0 auto; padding: 16px 20px 0; font: 16px system-ui, sans-serif; }
nav a { color: #1f6f54; }
.swagger-ui .info { margin: 24px 0; }
.swagger-ui .scheme-container { padding: 16px 0; box-shadow: none; border-top: 1px solid #d8dde7; }
@media (prefers-color-scheme: dark) {
  html { background: #131416; color-scheme: dark; }
  nav a { color: #6fcfa8; }
  #swagger-ui { background: #fff; filter: invert(0.925) hue-rotate(180deg); color-scheme: light; }
}
"""
_LIBRARY_FILES: Final = {
    "swagger-ui.css": b"text/css",
    "swagger-ui-bundle.js": b"text/javascript",
    "favicon-32x32.png": b"image/png",
}


class DocumentationSite:
    """The ASGI application of a folder of files, each under its own address below `/docs/`."""

    path = SITE_PATH

    def __init__(self, folder: Path, room: Room) -> None:
        """List the files; each is read when it is first requested."""
        self._assets = {
            file.relative_to(folder).as_posix(): Asset(_SITE_ROUTE, file.read_bytes, room, media_type, _POLICY)
            for file in folder.rglob("*")
            if (media_type := _MEDIA_TYPES.get(file.suffix))
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Refusal."""
        asset = self._assets.get(scope["path_params"]["path"])
        if asset is None:
            raise Refusal(Code.NOT_FOUND)
        await asset(scope, receive, send)


def documentation(room: Room) -> list[Asset | Redirect | DocumentationSite]:
    """Return the API reference and, if it is built, the site; `/docs` leads to the site or else to the reference."""
    site = [DocumentationSite(SITE_FOLDER, room)] if SITE_FOLDER.is_dir() else []
    first = b"index.html" if site else b"api"
    return [
        Redirect("/docs", b"docs/" + first),
        Redirect("/docs/", first),
        Asset("/docs/api", lambda: _REFERENCE % (_LINK_TO_SITE if site else b""), room, _HTML, _POLICY),
        Redirect("/docs/api/", b"../api"),  # the page's own addresses are relative, and would be wrong after a slash
        Asset("/docs/api/start.js", lambda: _START, room, b"text/javascript"),
        Asset("/docs/api/page.css", lambda: _STYLE, room, b"text/css"),
        *(
            Asset(f"/docs/api/{name}", partial(_library_file, name), room, kind)
            for name, kind in _LIBRARY_FILES.items()
        ),
        *site,
    ]


def _library_file(name: str) -> bytes:
    # Located, not imported: only the package's files are needed, not its code.
    package = find_spec("swagger_ui")
    if package is None or package.origin is None:
        raise Refusal(Code.NOT_FOUND)
    return (Path(package.origin).parent / "static" / name).read_bytes()
