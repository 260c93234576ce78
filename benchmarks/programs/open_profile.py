"""Open the profile of SITE as a writer, and end."""

import sys
from pathlib import Path

import trio

import swruntime


async def main(site: Path) -> None:
    async with swruntime.open_user_agent(site=site, profile=site / ".swruntime"):
        pass


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]))
