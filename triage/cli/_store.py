"""The store that the settings name, for commands that ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from triage.settings import load_settings

if TYPE_CHECKING:
    from triage.store import Store


def open_store() -> Store:
    """The store at `TRIAGE_DATABASE_URL`, else that of the SQLite file that `triage serve` uses; the caller closes it.

    Raises SettingsError and StoreError.
    """
    from triage.store import Store  # SQLAlchemy takes longer than most commands, and few need it

    return Store.open(load_settings().database_url)
