"""The platform's numbers: how long it waits, how often it tries, when it alerts, what a reply may hold.

P and R numbers are items of the alert guide and of the reply rules; docs/sources.md explains each.
"""

from __future__ import annotations

from datetime import timedelta

# https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html (R2, P.8)
ANSWER_DEADLINE = timedelta(seconds=5)
"""The connection is cut when the whole answer has not arrived by then; connecting has the same limit."""
DELIVERY_TRIES = 3
"""How often one push is sent in all when it is not answered."""

# P.2: the announcement of 2014, seen again in alerts; an account can change both in the console.
ALERT_THRESHOLD = 30
"""Failures of one kind within `ALERT_WINDOW` from which the platform alerts by default."""
ALERT_WINDOW = timedelta(minutes=5)

# P.7: "一分钟后解除屏蔽" in the alert itself
MARK_FAIL_SILENCE = timedelta(minutes=1)
"""How long MarkFail stops all pushes."""

# https://developers.weixin.qq.com/doc/oplatform/en/Third-party_Platforms/2.0/api/Before_Develop/component_verify_ticket.html
TICKET_INTERVAL = timedelta(minutes=10)
"""How often component_verify_ticket is pushed (P.9)."""
# P.3: five of six ticket alerts seen
TICKET_ALERT_WINDOW = timedelta(minutes=30)

# R12: from third parties, the official page no longer says it
MAX_CONTENT_BYTES = 2048
"""UTF-8 bytes of a text reply's Content; of a longer one the follower sees nothing, and no alert is raised."""

# https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html (R13)
MAX_ARTICLES = 8
"""News items of a reply; the surplus is dropped."""
MAX_ARTICLES_TO_MESSAGE = 1
"""News items of a reply to a text, image, voice, video or location message."""
