"""No page reads a whole table, however much is in the store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.support.console import console
from tests.support.console_pages import addresses
from tests.support.full_store import Size, fill
from tests.support.plans import noted_statements, read_whole

SIZE = Size(incidents=300, alerts=1_500, days=30)
ASKED = ("/week?week=2026-W40",)
"""Pages that ask more when they are asked for more."""


def test_no_page_reads_a_whole_table(tmp_path: Path) -> None:
    with noted_statements() as statements, console(tmp_path, demo=True) as application:
        fill(application.service.settings.database_url, datetime.now(UTC), SIZE)
        statements.clear()
        client = application.pages.test_client()
        opened = [
            page
            for page in (*addresses(application.pages, 99), *ASKED)
            if client.get(page).status_code == 200
        ]
        asked = set(statements)
    assert "/week" in opened
    assert len(asked) >= 8
    whole = {
        statement: found for statement in asked if (found := read_whole(tmp_path / "console.db", statement))
    }
    assert whole == {}
