"""What is known of a call once it is through the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc

from kernel.errors import InvariantBroken
from pam.player import Player
from pam.session import Session

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Metadata: TypeAlias = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as the function of its method is given it.

    Attributes:
        metadata: As the client sent them; they may hold secrets.
        address: Whom it comes from.
        session: Of who calls, as found at the door; None where anybody may call, also if they are logged in.
    """

    metadata: Metadata = field(repr=False)
    address: str
    session: Session | None

    @property
    def player(self) -> Player:
        """Return who calls.

        Raises:
            InvariantBroken: If the method's row lets anybody call.
        """
        if self.session is None:
            raise InvariantBroken("Method must need a session for its function to know who calls, needs none")
        return self.session.player
