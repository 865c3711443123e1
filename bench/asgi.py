"""The service as other servers load it, for `python -m bench.service --servers`.

With BENCH_THREADS every push goes by a thread of the bulkhead, also where the database is a file.
"""

from __future__ import annotations

import os

from triage.settings import load_settings
from triage.store import Store
from triage.web import create_app
from triage.web.serving.server import prepare_store

if "BENCH_THREADS" in os.environ:
    Store.is_local = False  # type: ignore[method-assign, assignment]  # the one thing that is compared
_settings = load_settings()
prepare_store(_settings)
app = create_app(_settings)
