"""What a terminal can show: plain signs where it cannot show others, so that no locale ends a run."""

from __future__ import annotations

import codecs
import io
import locale
import sys
from typing import Final

ERRORS: Final = "overround-plain"
PLAIN_BY_SIGN: Final = {"✓": "+", "✗": "x", "…": "...", "·": "-"}


def use_plain_signs() -> None:
    """Let output write what its encoding lacks plainly, as a question mark where there is no sign for it.

    Their encoding is the locale's, also where Python was told to take everything for UTF-8.
    """
    codecs.register_error(ERRORS, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=_encoding(), errors=ERRORS)


def _encoding() -> str:
    """Return the locale's encoding; ASCII, which no terminal of today is limited to by itself, for one not known."""
    try:
        return codecs.lookup(locale.getencoding()).name
    except LookupError:
        return "ascii"


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(PLAIN_BY_SIGN.get(sign, "?") for sign in signs), error.end
