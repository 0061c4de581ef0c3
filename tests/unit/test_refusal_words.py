"""Whoever is refused something by a screen reads a sentence made for it, and never the words of the code."""

from __future__ import annotations

import re

from gateway.errors import STATUS_BY_REASON
from infra.settings import ROOT

WORDS = ROOT / "web" / "src" / "shared" / "refusals.ts"
SENTENCE = re.compile(r'^  ([A-Z_]+):\s+"([^"]+)",$', re.MULTILINE)
# Told by the interceptor of errors where nobody foresaw one.
UNFORESEEN = "INTERNAL"

NO_SCREEN_MEETS = {
    "feed doors": {
        *("DELIVERY_FAILED", "DUPLICATE", "FEED_KEY_UNKNOWN", "MALFORMED", "OUTLET_FULL", "OUT_OF_ORDER", "OVERSIZED"),
        *("STREAM_IDLE", "STREAM_SUPERSEDED", "UNKNOWN_MESSAGE"),
    },
    "settlement and whoever redoes results": {
        *("RESULTS_MALFORMED", "RESULT_CONTRADICTS", "RESULT_MALFORMED", "RESULT_REFERRED", "RESULT_WAITS"),
    },
    "pricing": {
        *("FIT_NOT_CONVERGED", "GOAL_MODEL_MALFORMED", "LAYOUT_MALFORMED", "LEGS_CONTRADICTORY", "LEGS_OUT_OF_RANGE"),
        *("LEG_NOT_COMBINABLE", "MODEL_INPUT_INVALID"),
    },
    "the house's own processes": {
        *("ANCHORS_UNAVAILABLE", "BOOK_CURRENCY_MISMATCH", "BOOK_SNAPSHOT_INCOMPLETE", "EXPOSURE_LOCK_LOST"),
        "LIABILITY_BELOW_ZERO",
    },
}


def sentences() -> dict[str, str]:
    return dict(SENTENCE.findall(WORDS.read_text(encoding="utf-8")))


def test_every_reason_that_a_screen_can_be_given_has_a_sentence_and_no_other_has() -> None:
    elsewhere = set().union(*NO_SCREEN_MEETS.values())
    assert elsewhere <= set(STATUS_BY_REASON)
    assert set(sentences()) == (set(STATUS_BY_REASON) - elsewhere) | {UNFORESEEN}


def test_a_sentence_of_a_refusal_says_what_works_instead() -> None:
    # After the semicolon stands what one can do; a wrong password says all by itself.
    silent = [reason for reason, sentence in sentences().items() if "; " not in sentence and ": " not in sentence]
    assert silent == ["LOG_IN_REFUSED"]


def test_no_sentence_speaks_the_language_of_the_code() -> None:
    assert not [
        reason for reason, sentence in sentences().items() if re.search(r"[a-z]_[a-z]{2,}(?!\})\b|minor", sentence)
    ]
