"""`rowen`, and `python -m rowen`: the command line.

Owns what has to happen before anything else is imported. Must not know a command.
"""

import gc
import os
import signal

if os.getpid() == 1:  # in a container, where a signal without a handler is ignored: `docker stop` would have to kill
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))

# Importing makes hundreds of thousands of objects, which all stay: no collection has to look at them.
gc.disable()
from rowen.cli.main import main  # noqa: E402  (after what it depends on)

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
