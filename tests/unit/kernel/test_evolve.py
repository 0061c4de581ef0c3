from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import numpy as np
import pytest

from kernel.evolve import evolve
from odds.fixture.book import ProviderColumns
from odds.fixture.state import FixtureState, new_state


@dataclass(frozen=True, eq=False)
class Record:
    first: int
    second: str = "b"
    third: dict[str, int] = field(default_factory=dict)


def test_a_copy_has_what_was_changed_and_shares_the_rest() -> None:
    record = Record(1, third={"a": 1})

    copy = evolve(record, first=2)

    assert (copy.first, copy.second) == (2, "b")
    assert copy.third is record.third
    assert record.first == 1


def test_a_copy_is_as_frozen_as_what_it_was_made_from() -> None:
    with pytest.raises(FrozenInstanceError):
        evolve(Record(1), first=2).first = 3  # type: ignore[misc]


@pytest.mark.parametrize("kind", [FixtureState, ProviderColumns])
def test_records_that_are_copied_so_hold_their_fields_and_nothing_else(kind: type) -> None:
    markets, outcomes = np.zeros(0, np.uint8), np.zeros(0, np.uint32)
    record = new_state("match") if kind is FixtureState else ProviderColumns("a", 0, 0, markets, outcomes, markets)
    copies = evolve(record), replace(record)

    assert not hasattr(kind, "__post_init__")
    for copy in copies:
        assert set(vars(copy)) == {item.name for item in fields(kind)}
        assert all(vars(copy)[name] is value for name, value in vars(record).items())
