"""The schema's history; Alembic runs it, from `triage.store.migrating`."""
