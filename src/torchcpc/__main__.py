"""`python -m torchcpc` runs the command `cpc`."""

import sys

from torchcpc.cli import main

sys.exit(main())
