"""A ledger with a budget in a process of its own, for tests that kill it: `… reserving_process PLACE…`.

It says `reserved` when each of three requests has its reservation on the disk, and then waits for ever.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from tests.proxy.places import place_of
from tests.proxy.service.test_ledger import REQUEST, ROUTE, record, ten
from tests.proxy.service.test_ledger_kept import ledger_on


async def main(arguments: Sequence[str]) -> None:
    ledger = ledger_on(await place_of(arguments).open(), 10**9)
    names = [f"req_{number}" for number in range(3)]
    await asyncio.gather(*(ledger.reserve(record(name), REQUEST, ROUTE, ten) for name in names))
    sys.stdout.write("reserved\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
