"""What the desk orders, as pricing reads it."""

from __future__ import annotations

from odds.fixture.updates import TraderCommand, TradingAction
from overround.trading.v1 import trading_pb2


def parse_command(message: trading_pb2.TradingCommand) -> TraderCommand:
    """Return a command of the desk.

    Raises:
        ValueError: If it has no request id, or its action is none that is known.
    """
    action = TradingAction(message.action)
    if not message.request_id or action is TradingAction.UNKNOWN:
        raise ValueError(
            f"A command must have a request id and an action, had {message.request_id!r} and {action.name}"
        )
    return TraderCommand(
        message.request_id,
        message.fixture_id,
        message.market_id,
        action,
        message.trader_name,
        message.time_us,
    )
