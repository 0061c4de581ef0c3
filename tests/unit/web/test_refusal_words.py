"""Whoever is refused something by a screen reads a sentence made for it, and never the words of the code."""

from __future__ import annotations

import re

from infra.settings import ROOT
from wire.reasons import CATEGORY_BY_REASON

WORDS = ROOT / "web" / "src" / "shared" / "refusals.ts"
SENTENCE = re.compile(r'^  ([A-Z_]+):\s+"([^"]+)",$', re.MULTILINE)

# Feed doors are no screens, nor are those of who signs what they send.
NO_SCREEN_MEETS = {
    *("DELIVERY_FAILED", "DUPLICATE", "FEED_KEY_UNKNOWN", "MALFORMED", "OUTLET_FULL", "OUT_OF_ORDER", "OVERSIZED"),
    *("NOTIFICATION_MALFORMED", "NOTIFICATION_MISMATCHED"),
    *("SIGNATURE_WRONG", "STREAM_IDLE", "STREAM_SUPERSEDED", "UNKNOWN_MESSAGE"),
}


def sentences() -> dict[str, str]:
    return dict(SENTENCE.findall(WORDS.read_text(encoding="utf-8")))


def test_every_reason_that_a_screen_can_be_given_has_a_sentence_and_no_other_has() -> None:
    assert CATEGORY_BY_REASON.keys() >= NO_SCREEN_MEETS
    assert set(sentences()) == CATEGORY_BY_REASON.keys() - NO_SCREEN_MEETS


def test_a_sentence_of_a_refusal_says_what_works_instead() -> None:
    # After the semicolon stands what one can do; a wrong password says all by itself.
    silent = [reason for reason, sentence in sentences().items() if "; " not in sentence and ": " not in sentence]
    assert silent == ["LOG_IN_REFUSED"]


def test_no_sentence_speaks_the_language_of_the_code() -> None:
    assert not [
        reason for reason, sentence in sentences().items() if re.search(r"[a-z]_[a-z]{2,}(?!\})\b|minor", sentence)
    ]
