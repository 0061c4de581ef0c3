"""Values of the Unified Odds Feed, read strictly: odds, factors, scores, clocks, and the documents around them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from lxml import etree

from gateway.feeds.reading import RAW_BYTES_MAX
from gateway.feeds.refusals import MessageMalformed, MessageOversized
from markets.odds import FACTOR_ONE_MICRO

DECIMAL_ODDS_MAX: Final = 10_000.0
TIME_MS_MAX: Final = (1 << 43) - 1
COUNT_MAX: Final = 100_000
_INTEGER = re.compile(r"[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_CLOCK = re.compile(r"([0-9]{1,3}):([0-5][0-9])", re.ASCII)


def parse_document(raw: bytes) -> etree._Element:
    """Return the root of a document, read without entities, document type, network or unbounded trees.

    The encoding is fixed: one declared in the document could hide a document type from the check before.

    Raises:
        MessageOversized: If it is longer than 1 MiB.
        MessageMalformed: If it is no XML in UTF-8, or declares a document type.
    """
    if len(raw) > RAW_BYTES_MAX:
        raise MessageOversized(f"A message has at most {RAW_BYTES_MAX} bytes, had {len(raw)}")
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise MessageMalformed("A message must not declare a document type or entities")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MessageMalformed(f"A message must be XML: {error}") from None
    if _declares_document_type(root):
        raise MessageMalformed("A message must not declare a document type or entities")
    return root


def _declares_document_type(root: etree._Element) -> bool:
    return root.getroottree().docinfo.internalDTD is not None


def local_name(element: etree._Element) -> str:
    """Return the name of an element without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: etree._Element, name: str, default: str = "") -> str:
    """Return an attribute as text."""
    value = element.get(name, default)
    return value if isinstance(value, str) else default


def integer_of(element: etree._Element, name: str, default: int | None = None) -> int:
    """Return an attribute as an integer from 0 to 10**18.

    Raises:
        MessageMalformed: If it is none, or missing without a default.
    """
    text = attribute(element, name)
    if not text and default is not None:
        return default
    if not _INTEGER.fullmatch(text):
        raise MessageMalformed(
            f"{name} of {local_name(element)} must be an integer of at most 18 digits, was {text[:32]!r}"
        )
    return int(text)


def odds_milli_of(element: etree._Element) -> int:
    """Return decimal odds times 1000; 0 where there are none or they pay nothing beyond the stake.

    Raises:
        MessageMalformed: If they are no number up to 10,000.
    """
    text = attribute(element, "odds")
    if not text:
        return 0
    if not _DECIMAL.fullmatch(text) or float(text) > DECIMAL_ODDS_MAX:
        raise MessageMalformed(f"Odds must be a number up to {DECIMAL_ODDS_MAX:.0f}, were {text[:32]!r}")
    milli = round(float(text) * 1000)
    return milli if milli > 1000 else 0


def factor_micro_of(element: etree._Element, name: str, default: int) -> int:
    """Return a factor from 0 to 1 in millionths.

    Raises:
        MessageMalformed: If it is no number from 0 to 1.
    """
    text = attribute(element, name)
    if not text:
        return default
    if not _DECIMAL.fullmatch(text) or float(text) > 1:
        raise MessageMalformed(f"{name} must be a number from 0 to 1, was {text[:32]!r}")
    return round(float(text) * FACTOR_ONE_MICRO)


def score_of(element: etree._Element, name: str) -> int:
    """Return a score or a count; 0 where it is missing.

    Raises:
        MessageMalformed: If it is no number from 0 to 100,000.
    """
    text = attribute(element, name) or "0"
    if not _DECIMAL.fullmatch(text) or float(text) > COUNT_MAX:
        raise MessageMalformed(f"{name} must be a number up to {COUNT_MAX}, was {text[:32]!r}")
    return int(float(text))


def clock_seconds_of(element: etree._Element, name: str) -> int:
    """Return "MM:SS" in seconds; 0 where it is missing.

    Raises:
        MessageMalformed: If it does not read so.
    """
    text = attribute(element, name)
    if not text:
        return 0
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise MessageMalformed(f"{name} must read MM:SS, was {text[:32]!r}")
    return int(match[1]) * 60 + int(match[2])


def time_ms_of(element: etree._Element, name: str) -> int:
    """Return an ISO 8601 time in milliseconds since the Unix epoch; 0 where it is missing.

    Raises:
        MessageMalformed: If it is none, or has no zone, or is too far.
    """
    text = attribute(element, name)
    if not text:
        return 0
    try:
        time = datetime.fromisoformat(text)
        milliseconds = round(time.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise MessageMalformed(f"{name} must be an ISO 8601 time, was {text[:40]!r}") from None
    if time.tzinfo is None or not 0 <= milliseconds <= TIME_MS_MAX:
        raise MessageMalformed(f"{name} must be a time with a zone, was {text[:40]!r}")
    return milliseconds


def epoch_ms_of(element: etree._Element, name: str) -> int:
    """Return a time in milliseconds since the Unix epoch; 0 where it is missing.

    Raises:
        MessageMalformed: If it is none, or too far.
    """
    milliseconds = integer_of(element, name, 0)
    if milliseconds > TIME_MS_MAX:
        raise MessageMalformed(f"{name} must be a time up to {TIME_MS_MAX} ms, was {milliseconds}")
    return milliseconds
