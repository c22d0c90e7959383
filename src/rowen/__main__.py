"""`rowen`, and `python -m rowen`: the command line."""

import gc

# Importing makes hundreds of thousands of objects, which all stay: no collection has to look at them.
gc.disable()
from rowen.cli.main import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
