"""`python -m feedback.jobs.blobs_check`: check that blobs and attachment records match."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from hearback_kit.blobs import BlobStore
from hearback_kit.db import Database
from hearback_kit.errors import ServiceError
from hearback_kit.settings import InvalidSettings, read_settings

from feedback.service.check_blobs import check_blobs
from feedback.settings import Settings


async def _check(settings: Settings, *, settle_seconds: float, remove: bool) -> tuple[list[str], list[str]]:
    database = Database(settings.database_url, pool_size=1)
    try:
        blobs = BlobStore(settings.blob_url)
        return await check_blobs(database, blobs, settle_seconds=settle_seconds, remove=remove)
    finally:
        await database.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Print blobs without records and records without blobs; return 0 when none are left."""
    parser = argparse.ArgumentParser(
        prog="feedback.jobs.blobs_check", description="Compare the blob store with the attachment records."
    )
    parser.add_argument(
        "--settle-seconds", type=float, default=10.0, help="time between the two looks for strays (default: 10)"
    )
    parser.add_argument("--remove", action="store_true", help="delete bytes without a record")
    options = parser.parse_args(argv)
    try:
        strays, missing = asyncio.run(
            _check(read_settings(Settings), settle_seconds=options.settle_seconds, remove=options.remove)
        )
    except (ServiceError, InvalidSettings) as error:
        sys.stderr.write(f"feedback.jobs.blobs_check: {error}\n")
        return 2
    for key in strays:
        sys.stdout.write(f"stray {key}\n")
    for key in missing:
        sys.stdout.write(f"missing {key}\n")
    sys.stdout.write(f"{len(strays)} strays{' (removed)' if options.remove else ''}, {len(missing)} missing\n")
    return 1 if missing or (strays and not options.remove) else 0


if __name__ == "__main__":
    sys.exit(main())
