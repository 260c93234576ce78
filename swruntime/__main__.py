"""`python -m swruntime`."""

import sys

from swruntime.cli import main

if __name__ == "__main__":
    sys.exit(main())
