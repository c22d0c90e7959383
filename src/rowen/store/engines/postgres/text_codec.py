"""Text that PostgreSQL cannot store: with the character U+0000, which JSON and SQLite allow.

Owns its encoding. Encoding and decoding return the same text, and encoded texts are equal if and only if the texts are.
Must not know tables.
"""

from typing import Final

from asyncpg import Connection

_NUL: Final = "\x00"
_MARK: Final = "\ue000"  # of the private use area, and doubled where a text contains it
_TYPES: Final = ("varchar", "text")


def written(text: str) -> str:
    """Return a text in a form that PostgreSQL can store."""
    if _NUL not in text and _MARK not in text:
        return text
    return text.replace(_MARK, _MARK + _MARK).replace(_NUL, _MARK + "0")


def read(text: str) -> str:
    """Return the original of an encoded text."""
    if _MARK not in text:
        return text
    return _MARK.join(part.replace(_MARK + "0", _NUL) for part in text.split(_MARK + _MARK))


async def hold_any_text(connection: Connection) -> None:
    """Make a connection encode and decode every text."""
    # In one transaction: behind a pooler the statements could reach different servers otherwise.
    async with connection.transaction():
        for name in _TYPES:
            await connection.set_type_codec(
                name, schema="pg_catalog", encoder=_sent, decoder=_received, format="binary"
            )


def _sent(text: str) -> bytes:
    return written(text).encode()


def _received(content: bytes) -> str:
    return read(content.decode())
