"""The alerts of the corpus, as people pasted them."""

from __future__ import annotations

import json

from tests.support.paths import DATA

ALERT_TEXTS: dict[str, str] = {
    record["id"]: record["text"]
    for name in ("alerts", "wrapped")
    for record in map(json.loads, (DATA / f"alerts/{name}.jsonl").read_text(encoding="utf-8").splitlines())
}
"""By their ids."""
