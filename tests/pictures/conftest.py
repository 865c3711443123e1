"""What reads pictures is not to be had for Python 3.13 and newer, so that its tests cannot run there."""

from __future__ import annotations

import sys

collect_ignore = (
    ["test_hostile.py", "test_photographs.py", "test_reading.py"] if sys.version_info >= (3, 13) else []
)
