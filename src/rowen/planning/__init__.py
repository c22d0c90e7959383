"""Finding times: who can meet when, as bitmaps. Pure: it has no input, output or clock."""
