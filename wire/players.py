"""Players and sessions on the wire."""

from __future__ import annotations

from overround.pam.v1 import player_pb2, player_service_pb2
from pam.player import Player
from pam.session import Session


def build_player(player: Player) -> player_pb2.Player:
    """Return the message for a player."""
    return player_pb2.Player(
        player_id=str(player.player_id),
        username=player.username,
        role=player_pb2.PlayerRole.ValueType(player.role),
        status=player_pb2.PlayerStatus.ValueType(player.status),
        currency=player.currency,
        registered_time_us=player.registered_time_us,
        jurisdiction=player.jurisdiction,
        timed_out_until_us=player.timed_out_until_us,
        excluded_until_us=player.excluded_until_us,
    )


def build_session(token: str, session: Session) -> player_service_pb2.Session:
    """Return the message that hands a session to its owner."""
    return player_service_pb2.Session(token=token, expires_time_us=session.expires_time_us)
