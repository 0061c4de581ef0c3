"""Seasons read from files: what is taken, and what is refused."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from infra.settings import ROOT
from studies.accuracy.seasons import Match, MatchTable, SeasonMalformed, read_season, read_seasons

SEASONS = ROOT.parent / "shared" / "data" / "football"
HEAD = "Date,HomeTeam,AwayTeam,FTHG,FTAG,FTR,B365H,B365D,B365A,BbAv>2.5,BbAv<2.5"
ROW = "14/08/10,Aston Villa,West Ham,3,0,H,2,3.3,4,2.01,1.75"


def written(folder: Path, *rows: str, head: str = HEAD, name: str = "season.csv") -> Path:
    file = folder / name
    file.write_text("\n".join([head, *rows]) + "\n")
    return file


def test_a_row_becomes_a_match_with_its_prices(tmp_path: Path) -> None:
    match = read_season(written(tmp_path, ROW))[0]
    assert (match.season_year, match.day, match.home, match.away) == (
        2010,
        date(2010, 8, 14),
        "Aston Villa",
        "West Ham",
    )
    assert (match.home_goals, match.away_goals) == (3, 0)
    assert match.decimal_odds["B365"] == (2.0, 3.3, 4.0)
    assert match.totals_decimal_odds["BbAv"] == (2.01, 1.75)
    assert np.isnan(match.decimal_odds["PSC"]).all()


def test_a_market_without_all_its_prices_has_none(tmp_path: Path) -> None:
    match = read_season(written(tmp_path, ROW.replace("3.3", "")))[0]
    assert np.isnan(match.decimal_odds["B365"]).all()


@pytest.mark.parametrize("nothing", ["0", "0.0", " 0 ", "0.00"])
def test_a_price_of_0_is_none(tmp_path: Path, nothing: str) -> None:
    match = read_season(written(tmp_path, ROW.replace(",2,3.3", f",{nothing},3.3").replace("1.75", nothing)))[0]
    assert np.isnan(match.decimal_odds["B365"]).all()
    assert np.isnan(match.totals_decimal_odds["BbAv"]).all()


@pytest.mark.parametrize("blank", [",,,,,,,,,,", ",,", ",,,,,,,,,,,,,,,", " , ,", ""])
def test_rows_of_commas_are_passed_over(tmp_path: Path, blank: str) -> None:
    assert len(read_season(written(tmp_path, blank, ROW, blank, blank))) == 1
    with pytest.raises(SeasonMalformed, match="matches were expected, were none"):
        read_season(written(tmp_path, blank, name="blank.csv"))


def test_a_pair_may_meet_twice_at_one_ground(tmp_path: Path) -> None:
    season = read_season(written(tmp_path, ROW.replace("14/08/10", "02/04/11"), ROW))
    assert [match.day for match in season] == [date(2011, 4, 2), date(2010, 8, 14)]


def test_matches_come_in_the_order_of_play_whatever_way_dates_are_written(tmp_path: Path) -> None:
    written(tmp_path, "08/05/2011,A,B,1,1,D,,,,,", "2010-12-26,B,A,0,2,A,,,,,", ROW)
    table = read_seasons(tmp_path)
    days = [date.fromordinal(day).isoformat() for day in table.days.tolist()]
    assert days == ["2010-08-14", "2010-12-26", "2011-05-08"]
    assert table.results.tolist() == [0, 2, 1]
    assert set(table.season_years.tolist()) == {2010}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (ROW.replace(",3,0,", ",x,0,"), "season.csv line 2: FTHG must be a whole number from 0 to 60, was 'x'"),
        (ROW.replace(",3,0,", ",3,-1,"), "FTAG must be a whole number"),
        (ROW.replace(",3,0,", ",3,61,"), "FTAG must be a whole number"),
        (ROW.replace(",H,", ",A,"), "FTR of 3-0 must be 'H', was 'A'"),
        (ROW.replace("3.3", "1.0"), "B365D must be empty or decimal odds above 1.0, was '1.0'"),
        (ROW.replace("3.3", "nan"), "B365D must be empty or decimal odds"),
        (ROW.replace("3.3", "inf"), "B365D must be empty or decimal odds"),
        (ROW.replace("2.01", "evens"), "BbAv>2.5 must be empty or decimal odds"),
        (ROW.replace("14/08/10", "14.08.10"), "Date must be like"),
        (ROW.replace("West Ham", "Aston Villa"), "two teams were expected"),
        ("14/08/10", "two teams were expected"),
    ],
)
def test_rows_that_cannot_be_are_refused_by_file_and_line(tmp_path: Path, row: str, complaint: str) -> None:
    with pytest.raises(SeasonMalformed) as refusal:
        read_season(written(tmp_path, row))
    assert complaint in str(refusal.value)
    assert "season.csv line 2" in str(refusal.value)


def test_files_that_are_no_season_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SeasonMalformed, match="were none"):
        read_seasons(tmp_path)
    with pytest.raises(SeasonMalformed, match="columns FTR were expected"):
        read_season(written(tmp_path, ROW, head=HEAD.replace("FTR", "Result")))
    with pytest.raises(SeasonMalformed, match="matches were expected, were none"):
        read_season(written(tmp_path))
    with pytest.raises(SeasonMalformed, match="was there twice"):
        read_season(written(tmp_path, ROW, ROW.replace("14/08/10", "15/08/10")))
    with pytest.raises(SeasonMalformed, match="columns HomeTeam, AwayTeam were expected"):
        read_season(written(tmp_path, ROW, head=HEAD.replace("HomeTeam,AwayTeam", "HT,AT")))
    with pytest.raises(SeasonMalformed, match="dates of one season"):
        read_season(written(tmp_path, ROW, ROW.replace("14/08/10", "14/08/11")))
    written(tmp_path, ROW)
    written(tmp_path, ROW, name="again.csv")
    with pytest.raises(SeasonMalformed, match=r"season\.csv: one file a season"):
        read_seasons(tmp_path)


def test_a_half_week_begins_on_tuesday_or_friday() -> None:
    played = [date(2015, 8, day) for day in range(7, 15)]
    table = MatchTable.of(Match(2015, day, f"h{day}", f"a{day}", 0, 0, {}, {}) for day in played)
    friday, tuesday, next_friday = (date(2015, 8, day).toordinal() for day in (7, 11, 14))
    assert table.half_weeks.tolist() == [friday] * 4 + [tuesday] * 3 + [next_friday]


def test_the_seasons_we_measure_on_are_whole() -> None:
    if not SEASONS.is_dir():
        pytest.skip(f"seasons are not at {SEASONS}")
    table = read_seasons(SEASONS)
    for year in table.years():
        rows = table.season_years == year
        appearances = np.bincount(np.concatenate([table.home[rows], table.away[rows]]))
        assert set(appearances[appearances > 0].tolist()) == {38}
    is_closed = ~np.isnan(table.decimal_odds["PSC"]).any(axis=1)
    assert set(table.season_years[is_closed].tolist()) == {2015, 2016, 2017}
