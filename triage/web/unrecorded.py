"""Messages that were answered without the memory: kept, and recorded when it is there again."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime

from triage.bot.bot import Bot
from triage.errors import RefusedError, StoreError
from triage.message import Message, MessageKind
from triage.web.logs import log_event
from triage.web.metrics import Metrics

MOST_KEPT = 500
"""Messages; the oldest go when there are more."""
_LOOK_SECONDS = 2.0
_KINDS = (MessageKind.TEXT, MessageKind.VOICE, MessageKind.LINK)
"""Which may hold an alert. A program that hands one in is told to do so again."""

_LOG = logging.getLogger(__name__)


class Unrecorded:
    """What waits for the database, in the memory of this process."""

    def __init__(self, bot: Callable[[], Bot], metrics: Metrics, clock: Callable[[], datetime]) -> None:
        self._bot = bot
        self._metrics = metrics
        self._clock = clock
        self._kept: deque[tuple[Message, datetime]] = deque(maxlen=MOST_KEPT)

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, message: Message, received_at: datetime) -> None:
        """Keep a message that was answered without the memory."""
        if message.kind in _KINDS:
            self._kept.append((message, received_at))

    def catch_up(self) -> float:
        """Record what was kept, the oldest first, while the database answers. Seconds until the next try."""
        recorded = 0
        while self._kept:
            message, received_at = self._kept.popleft()
            try:
                recorded += self._bot().catch_up(message, received_at, self._clock())
            except StoreError as exc:
                self._kept.appendleft((message, received_at))
                self._metrics.store_failed("catch_up", exc)
                break
            except RefusedError as exc:  # a replay, which the memory alone could see
                self._metrics.refused.labels(exc.reason).inc()
        if recorded:
            log_event(_LOG, logging.INFO, "caught_up", messages=recorded, waiting=len(self._kept))
        return _LOOK_SECONDS
