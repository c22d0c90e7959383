"""The texts of the pages in German."""

from typing import Final

from rowen.web.texts.german import board, candidate, common, interview, own, scheduling, settings, signing_in

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
