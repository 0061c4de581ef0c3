"""One word for one idea: each word of the glossary is used, and the words that stand against it are not."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from infra.settings import ROOT

PAGE: Final = ROOT / "docs" / "glossary.md"
OURS: Final = (
    *(
        "kernel",
        "markets",
        "odds",
        "risk",
        "wallet",
        "pam",
        "bets",
        "casino",
        "wire",
        "streams",
        "gateway",
        "infra",
        "house",
    ),
    *("simulation", "loadtests", "protos/overround", "web/src", "docs"),
)
ENDINGS: Final = frozenset({".py", ".sql", ".proto", ".ts", ".svelte", ".toml", ".md", ".lua"})
GENERATED: Final = "gen"
FOREIGN_KEYS: Final = {
    "gateway/feeds/betfair_cricket.py": ("selectionId",),  # a key of the exchange's cricket stream
}
"""Words of somebody else's format that a file has to read, and may say as that format does."""
ROW: Final = re.compile(r"^\| ([^|]+) \| ([^|]+) \|$", re.M)


def rows(heading: str) -> list[tuple[str, str]]:
    """Return the rows of the table under a heading, without its head."""
    under = PAGE.read_text(encoding="utf-8").partition(heading)[2].partition("\n## ")[0]
    return [(word.strip(), meaning.strip()) for word, meaning in ROW.findall(under)][1:]


@cache
def sources() -> str:
    """Return all that we wrote, but for the glossary, in lower case, with names taken apart into words."""
    files = (
        path
        for folder in OURS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in ENDINGS and GENERATED not in path.parts and "node_modules" not in path.parts and path != PAGE
    )
    text = "\n".join(told_in(path) for path in files)
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", text).lower()


def told_in(path: Path) -> str:
    """Return what a file says, keys of an outside format left out."""
    text = path.read_text(encoding="utf-8")
    for key in FOREIGN_KEYS.get(str(path.relative_to(ROOT)), ()):
        text = text.replace(f'"{key}"', "")
    return text


WORDS: Final = rows("# Glossary")
NOT_USED: Final = rows("## Words that are not used")


def test_a_word_stands_once_and_means_something() -> None:
    assert len(WORDS) > 90
    assert [word for word, count in Counter(word for word, _ in WORDS).items() if count > 1] == []
    assert [word for word, meaning in WORDS if len(meaning) < 10] == []


@pytest.mark.parametrize("word", [word for word, _ in WORDS])
def test_a_word_of_the_glossary_is_used(word: str) -> None:
    assert word in sources(), f"nobody says {word!r}: take it out of docs/glossary.md"


@pytest.mark.parametrize(("word", "ours"), NOT_USED)
def test_a_second_word_is_not_used(word: str, ours: str) -> None:
    text, spoken = sources(), word.replace("_", " ")
    places = [found.start() for found in re.finditer(rf"\b{re.escape(spoken)}s?\b", text)] if spoken in text else []
    said = [text[max(0, place - 60) : place + 60] for place in places]
    assert said == [], f"say {ours!r} for {word!r}, as docs/glossary.md has it"


@pytest.mark.parametrize(("file", "key"), [(file, key) for file, keys in FOREIGN_KEYS.items() for key in keys])
def test_a_key_of_an_outside_format_is_read_where_it_is_excepted(file: str, key: str) -> None:
    assert f'"{key}"' in (ROOT / file).read_text(encoding="utf-8"), f"take {key!r} of {file} out of the exceptions"


def test_a_second_word_is_none_of_ours() -> None:
    assert {word for word, _ in NOT_USED}.isdisjoint(word for word, _ in WORDS)
