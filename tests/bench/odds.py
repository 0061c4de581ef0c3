"""`make bench-odds`: the odds engine on one pinned core, a table a part."""

from __future__ import annotations

import sys

from tests.bench import football_pricing, margin_methods, pricing_step


def main() -> None:
    """Print all tables."""
    margin_methods.main()
    sys.stdout.write("\n")
    football_pricing.main()
    sys.stdout.write("\n")
    pricing_step.main()


if __name__ == "__main__":
    main()
