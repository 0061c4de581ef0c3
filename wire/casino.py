"""Games of our own and their rounds on the wire."""

from __future__ import annotations

from casino.games import OfferedGame
from casino.rounds import Round
from casino.slot import SlotGame
from kernel.money import Money
from overround.casino.v1 import game_pb2, round_pb2
from overround.common.v1 import outbox_pb2
from wire.money import build_money


def build_game(offer: OfferedGame) -> game_pb2.Game:
    """Return the message for a game as it is offered, with all its rules."""
    game, terms = offer.game, offer.terms
    return game_pb2.Game(
        game_code=game.code,
        version=game.version,
        name=game.name,
        reels=[game_pb2.Reel(symbols=symbols) for symbols in game.reels],
        rows=game.rows,
        lines=[game_pb2.PayLine(rows=rows) for rows in game.lines],
        pays=[game_pb2.Pay(symbol=pay.symbol, count=pay.count, times=pay.times) for pay in game.pays],
        rtp_numerator=game.rtp.numerator,
        rtp_denominator=game.rtp.denominator,
        stake_min=build_money(Money(terms.stake_minor_min, offer.currency)),
        stake_max=build_money(Money(terms.stake_minor_max, offer.currency)),
        cycle_ms=terms.cycle_ms,
    )


def build_round(played: Round, game: SlotGame) -> round_pb2.Round:
    """Return the message for a round, with what was seen in the version in which it was played."""
    message = _build_facts(played)
    message.window.extend(game_pb2.Reel(symbols=symbols) for symbols in game.window(played.stops))
    message.line_wins.extend(
        round_pb2.LineWin(line=win.line, symbol=win.pay.symbol, count=win.pay.count, times=win.pay.times)
        for win in game.line_wins(played.stops)
    )
    return message


def build_round_played(played: Round, position: outbox_pb2.OutboxPosition) -> round_pb2.RoundPlayed:
    """Return the event that says that a round was committed."""
    return round_pb2.RoundPlayed(
        position=position,
        player_id=str(played.player_id),
        account_id=str(played.account_id),
        round=_build_facts(played),
    )


def _build_facts(played: Round) -> round_pb2.Round:
    return round_pb2.Round(
        round_id=str(played.round_id),
        game_code=played.game_code,
        game_version=played.game_version,
        stops=played.stops,
        stake=build_money(played.stake),
        win=build_money(played.win),
        time_us=played.time_us,
    )
