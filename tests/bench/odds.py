"""`make bench-odds`: the odds engine on one pinned core, a table a part."""

from __future__ import annotations

import sys

from tests.bench import football_pricing, margin_methods


def main() -> None:
    """Print all tables."""
    margin_methods.main()
    sys.stdout.write("\n")
    football_pricing.main()


if __name__ == "__main__":
    main()
