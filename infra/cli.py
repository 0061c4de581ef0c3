"""The command line's door: nothing else is read in before Ctrl-C is answered with a sentence."""

from __future__ import annotations

import importlib
import os
import signal

STOPPED_STATUS = 128 + signal.SIGINT


def main() -> None:
    """Run the command line."""
    try:
        importlib.import_module("infra.commands").main()
    except KeyboardInterrupt:
        os.write(2, b"overround: stopped by Ctrl-C\n")
        os._exit(STOPPED_STATUS)


if __name__ == "__main__":
    main()
