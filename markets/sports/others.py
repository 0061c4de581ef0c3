"""Sports that feeds quote and that have no markets of ours beside who wins: what they are called, and no more."""

from __future__ import annotations

from typing import Final

from markets.sport import OddsApiName, Sport

SPORTS: Final = (
    Sport("golf", exchange="3"),
    Sport("rugby", uof="sr:sport:12"),
    Sport("rugby-union", exchange="5", odds_api=OddsApiName("rugbyunion")),
    Sport("rugby-league", exchange="1477", odds_api=OddsApiName("rugbyleague")),
    Sport("darts", exchange="3503", uof="sr:sport:22"),
    Sport("snooker", exchange="6422"),
    Sport("american-football", exchange="6423", uof="sr:sport:16", odds_api=OddsApiName("americanfootball")),
)
