"""Chat channels, one file each: `receive` and `respond` are our half of a protocol, `compose` and `accepts` the other.

A file whose name begins with an underscore serves the channel it is named after.
"""

from __future__ import annotations

from triage.errors import BadMessageError


class UnreadableMessageError(BadMessageError):
    """The platform has signed it, yet it cannot be read: counted, and answered with a bare `success`.

    A mere BadMessageError comes from nobody we know and takes a 400.
    """
