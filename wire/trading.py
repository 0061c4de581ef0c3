"""The desk on the wire: its commands, and what it is shown."""

from __future__ import annotations

from odds.fixture.updates import TradingAction
from overround.audit.v1 import audit_pb2
from overround.bets.v1 import bet_pb2
from overround.trading.v1 import trading_pb2, trading_service_pb2
from wire.frames import frame_bytes

_COMMAND_FIELD = audit_pb2.Asked.TRADING_COMMAND_FIELD_NUMBER
_BET_FIELD = trading_service_pb2.DeskBet.BET_FIELD_NUMBER
_PLAYER_NAME_FIELD = trading_service_pb2.DeskBet.PLAYER_NAME_FIELD_NUMBER


def encode_command(
    *, request_id: str, fixture_id: str, market_id: str, action: TradingAction, trader_name: str, time_us: int
) -> bytes:
    """Return the bytes of a command; an empty market id stands for the whole fixture."""
    return trading_pb2.TradingCommand(
        request_id=request_id,
        fixture_id=fixture_id,
        market_id=market_id,
        action=trading_pb2.TradingAction.ValueType(action),
        trader_name=trader_name,
        time_us=time_us,
    ).SerializeToString()


def encode_asked(command: bytes) -> bytes:
    """Return the bytes of what the audit is told of a command."""
    return frame_bytes(_COMMAND_FIELD, command)


def encode_desk_bet(bet: bet_pb2.Bet, player_name: str) -> bytes:
    """Return the bytes of a bet as the desk sees it."""
    return frame_bytes(_BET_FIELD, bet.SerializeToString()) + frame_bytes(_PLAYER_NAME_FIELD, player_name.encode())
