"""What a provider is told whose stream cannot begin."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gateway.refusals import as_told
from infra.processes.own_cursors import CursorsOfOwnLog
from infra.processes.own_log import OwnLog
from infra.stores.log_place import LogPlace
from kernel.errors import Category, Part, Unavailable
from kernel.log import DeliveryFailed


@pytest.mark.parametrize(("away", "told"), [(Part.ANCHORS, DeliveryFailed), (Part.LEDGER, Unavailable)])
async def test_a_log_or_ledger_that_is_away_is_told_as_such(away: Part, told: type[Exception]) -> None:
    def read_place() -> LogPlace:
        raise Unavailable(away, "does not answer")

    cursors = CursorsOfOwnLog(cast("Any", None), OwnLog(cast("Any", None), read_place))
    with pytest.raises(told) as refused:
        await cursors.begin("alpha", now_ms=0)
    assert as_told(refused.value, door="Push") is refused.value
    assert refused.value.category is Category.UNAVAILABLE
