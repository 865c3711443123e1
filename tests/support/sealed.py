"""WeCom's official vectors, as far as there are some, and what they are signed and encrypted by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from tests.support.paths import DATA
from triage.channels.sealed import Seal

VECTORS: Mapping[str, Mapping[str, str]] = json.loads((DATA / "wecom/vectors.json").read_text("utf-8"))
CORPID = VECTORS["seal"]["corpid"]
OF_APP = Seal(VECTORS["seal"]["token"], VECTORS["seal"]["aes_key"], CORPID)
OF_BOT = Seal(VECTORS["seal"]["token"], VECTORS["seal"]["aes_key"])
SEALS = {"app": OF_APP, "bot": OF_BOT}


def at(vector: Mapping[str, str]) -> datetime:
    return datetime.fromtimestamp(int(vector["timestamp"]), UTC)
