"""Templates and static files.

Owns what templates can use, and the addresses of static files: they hold a hash, so that browsers keep them for good.
Modules have one hash together, in the name of their folder, so that they find each other. `scripts/install_assets.py`
installs files of others, which may be missing. Must not know a page.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rowen.http.assets import Asset, Room
from rowen.http.responses import Headers
from rowen.web.languages import LANGUAGES, Language

_FOLDER: Final = Path(__file__).parent
_MEDIA_TYPES: Final = {
    ".css": b"text/css;charset=utf-8",
    ".svg": b"image/svg+xml",
    ".js": b"text/javascript;charset=utf-8",
}
_KEPT: Final = b"public, max-age=31536000, immutable"
# An image may hold code: opened by itself, it runs none.
_POLICY: Final[Headers] = [(b"content-security-policy", b"default-src 'none'")]
_HASH_LETTERS: Final = 12


class PagePlace(Protocol):
    """Where a page is, and in which language."""

    @property
    def language(self) -> Language:
        """The language of the page."""
        ...

    @property
    def base(self) -> str:
        """The path under which the pages are."""
        ...


class Renderer:
    """Renders templates; what they show is escaped, whatever it is."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        single = [*_files(folder / "static"), *_files(folder / "installed")]
        modules = _files(folder / "static/modules")
        self._modules = [file.name for file in modules]
        self._static = {file.name: file for file in (*single, *modules)}
        shared = f"/assets/modules.{_hash(modules)}"
        self._paths = {file.name: f"/assets/{file.stem}.{_hash([file])}{file.suffix}" for file in single}
        self._paths.update({file.name: f"{shared}/{file.name}" for file in modules})

    def has(self, name: str) -> bool:
        """Return whether there is a static file of that name."""
        return name in self._static

    def render(self, template: str, values: Mapping[str, Any], place: PagePlace) -> bytes:
        """Return a page."""
        language, base = place.language, place.base

        def static(name: str) -> str:
            return base + self._paths[name]

        text = self._environment.get_template(template).render(
            **values,
            t=language.text,
            counted=language.counted,
            lang=language.tag,
            languages=LANGUAGES,
            static=static,
            modules=self._modules,
            base=base,
        )
        return text.encode("utf-8", "replace")

    def assets(self, room: Room) -> list[Asset]:
        """Return the routes of the static files."""
        return [
            Asset(self._paths[name], file.read_bytes, room, _MEDIA_TYPES[file.suffix], _POLICY, cache_control=_KEPT)
            for name, file in self._static.items()
        ]


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder that are served; none if there is no folder."""
    return [file for file in sorted(folder.glob("*")) if file.suffix in _MEDIA_TYPES]


def _hash(files: list[Path]) -> str:
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:_HASH_LETTERS]
