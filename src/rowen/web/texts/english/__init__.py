"""The texts of the pages in English: the catalogue that every other language follows, key by key."""

from typing import Final

from rowen.web.texts.english import board, candidate, common, interview, own, scheduling, settings, signing_in

TEXTS: Final = {
    **common.TEXTS,
    **signing_in.TEXTS,
    **board.TEXTS,
    **interview.TEXTS,
    **scheduling.TEXTS,
    **own.TEXTS,
    **settings.TEXTS,
    **candidate.TEXTS,
}
