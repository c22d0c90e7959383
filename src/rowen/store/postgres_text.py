"""Text that PostgreSQL cannot hold as it is: with the character U+0000, which JSON and SQLite know.

Owns how it is written there. Every text means the same before and after, and two are equal there as they are here.
"""

from typing import Final

from asyncpg import Connection

_NUL: Final = "\x00"
_MARK: Final = "\ue000"  # of the private use area: nobody's but ours, and written twice where it is somebody's
_TYPES: Final = ("varchar", "text")


def written(text: str) -> str:
    """Return a text as PostgreSQL can hold it."""
    if _NUL not in text and _MARK not in text:
        return text
    return text.replace(_MARK, _MARK + _MARK).replace(_NUL, _MARK + "0")


def read(text: str) -> str:
    """Return a text as it was before it was written."""
    if _MARK not in text:
        return text
    return _MARK.join(part.replace(_MARK + "0", _NUL) for part in text.split(_MARK + _MARK))


async def hold_any_text(connection: Connection) -> None:
    """Have a connection write and read every text so."""
    # In one transaction, as behind a pooler the parts of a question may reach different servers otherwise.
    async with connection.transaction():
        for name in _TYPES:
            await connection.set_type_codec(
                name, schema="pg_catalog", encoder=_sent, decoder=_received, format="binary"
            )


def _sent(text: str) -> bytes:
    return written(text).encode()


def _received(content: bytes) -> str:
    return read(content.decode())
