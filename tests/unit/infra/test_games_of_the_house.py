"""Games as the house keeps them: read from their files, shown with their PAR sheets, refused where they cannot be."""

from __future__ import annotations

import io
import shutil
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from casino.games import GameUnknown
from infra.dated import HouseRefused
from infra.game_report import show_games
from infra.games import read_games
from infra.settings import HOUSE_DIR, TEST_HOUSE_DIR, load_settings
from kernel.errors import InvariantBroken

DAY = date(2026, 12, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "games").mkdir()
    shutil.copy(HOUSE_DIR / "games" / "triple_bell.toml", tmp_path / "games")
    return tmp_path


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "games" / "triple_bell.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_tests_play_the_games_of_the_house() -> None:
    assert read_games(TEST_HOUSE_DIR).on(DAY) == read_games(HOUSE_DIR).on(DAY)


def test_an_edition_holds_from_its_day_on_and_versions_of_before_are_kept(folder: Path) -> None:
    path = folder / "games" / "triple_bell.toml"
    text = path.read_text(encoding="utf-8")
    second = text[text.index("[[edition]]") :].replace("from = 2026-11-30", "from = 2026-12-24")
    path.write_text(text + second.replace("version = 1", "version = 2").replace("cycle_ms = 2_500", "cycle_ms = 5_000"))
    games = read_games(folder)
    assert games.find("triple_bell", date(2026, 12, 23)).game.version == 1
    assert games.find("triple_bell", date(2026, 12, 24)).terms.cycle_ms == 5_000
    assert games.edition("triple_bell", 1).terms.cycle_ms == 2_500
    with pytest.raises(GameUnknown):
        games.find("triple_bell", date(2026, 11, 29))
    with pytest.raises(InvariantBroken, match="Version 3"):
        games.edition("triple_bell", 3)


REFUSED = {
    "another return": ('"951/1000"', '"952/1000"', "must return 951/1000"),
    "no ratio": ('"951/1000"', "0.951", 'written as "951/1000"'),
    "unknown name": ("rows = 3", "rows = 3\ncolour = 1", "colour is no name here"),
    "no terms": ("[edition.terms]", "[edition.term]", "must say terms"),
    "least above most": ("stake_minor_min = 10", "stake_minor_min = 501", "the least first"),
    "a line out of sight": ("[[1, 1, 1]]", "[[1, 1, 3]]", "a row that is seen"),
}


@pytest.mark.parametrize(("old", "new", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused_by_its_file(folder: Path, old: str, new: str, words: str) -> None:
    edit(folder, old, new)
    with pytest.raises(HouseRefused, match=words) as refused:
        read_games(folder)
    assert "triple_bell.toml" in str(refused.value)


def test_a_version_stands_once(folder: Path) -> None:
    path = folder / "games" / "triple_bell.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + text[text.index("[[edition]]") :].replace("2026-11-30", "2026-12-24"))
    with pytest.raises(HouseRefused, match="each version once"):
        read_games(folder)


def test_a_file_is_named_by_its_code(folder: Path) -> None:
    (folder / "games" / "triple_bell.toml").rename(folder / "games" / "Triple-Bell.toml")
    with pytest.raises(HouseRefused, match="named by the code"):
        read_games(folder)


def test_every_game_is_shown_with_its_par_sheet(folder: Path) -> None:
    console = Console(file=io.StringIO(), width=240, record=True)
    settings = load_settings("test")
    nowhere = settings.model_copy(
        update={"house_dir": folder, "ports": settings.ports.model_copy(update={"postgres": 1})}
    )
    assert show_games(nowhere, console) == 0
    shown = console.export_text()
    assert "PostgreSQL does not answer" in shown
    for words in ("Triple Bell (triple_bell)", "951/1000 = 0.951000", "0.2530", "5.154862", "150x in 1", "4,083,252"):
        assert words in shown
