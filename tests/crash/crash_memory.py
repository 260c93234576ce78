"""The program, run as it is; at its end the most memory that it had is the last line of its standard error.

What `wait4` tells is no less than what the parent had when it forked, and a test's process has more than the program.
"""

from __future__ import annotations

import sys
from pathlib import Path

from swruntime.cli import main

if __name__ == "__main__":
    status = main(sys.argv[1:])
    # https://man7.org/linux/man-pages/man5/proc_pid_status.5.html, VmHWM
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    print(line.split()[1], "kB", file=sys.stderr)
    sys.exit(status)
