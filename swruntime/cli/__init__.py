"""The command line: `python -m swruntime`.

    arguments  what can be said
    session    a user agent for a command, the site's scripts, the exit status
    output     where lines and text go
    narrate    a trace, told to a person
    commands   one module per command, or per family of them

Exit status: 0 done; 1 a script raised, or a background fetch ended otherwise than expected; 2 the command line
was wrong; 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from swruntime.errors import DOMException, ScriptError, StorageFull, SwruntimeError, UsageError

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers with the exit status. One line on standard error tells what was wrong."""
    from swruntime.cli.arguments import parse

    try:
        options = parse(arguments)
        return int(options.command(options))
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else WRONG
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough of it.
        sys.stderr.close()
        return FAILED
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) is not None:
            return INTERRUPTED
        raise
    except UsageError as error:
        return _say(str(error), WRONG)
    except ScriptError as error:
        where = f"{error.where}: " if error.where else ""
        return _say(f"{where}{error}", FAILED)
    except (StorageFull, SwruntimeError) as error:
        return _say(str(error), FAILED)
    except DOMException as error:
        return _say(f"{error.name}: {error}", FAILED)


def _say(text: str, status: int) -> int:
    print(f"swruntime: {' '.join(text.split())}", file=sys.stderr)
    return status
