"""A person is a channel, an account and an id (`wechat/wx0123/oAbc`) where it was an OpenID alone."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, String, column, func, insert, literal, select, table, update

from triage.store.migrations.types_v1 import TABLE_OPTIONS, key_text

revision = "0003"
down_revision = "0002"

_COLUMNS = (
    ("alerts", "sender"),
    ("incidents", "owner"),
    ("timeline", "who"),
    ("members", "person"),
    ("invitations", "invited_by"),
    ("invitations", "used_by"),
    ("conversations", "person"),
)
_PREFIX = "wechat/"
_MESSAGES = table("messages", column("account", String), column("sender", String))
_KNOWN = table("known_people", column("openid", String), column("person", String))


def upgrade() -> None:
    """Everybody is of the account that they wrote to; who is in no message, of the only account, or of `""`."""
    op.execute("ALTER TABLE members RENAME COLUMN openid TO person")
    op.execute("ALTER TABLE conversations RENAME COLUMN sender TO person")
    op.create_table(
        "known_people",
        Column("openid", key_text(), primary_key=True),
        Column("person", key_text(), nullable=False),
        **TABLE_OPTIONS,
    )
    sender = _MESSAGES.c.sender
    person = literal(_PREFIX, String) + func.min(_MESSAGES.c.account) + literal("/", String) + sender
    op.execute(insert(_KNOWN).from_select(["openid", "person"], select(sender, person).group_by(sender)))
    accounts = op.get_bind().execute(select(_MESSAGES.c.account).distinct().limit(2)).scalars().all()
    other = literal(f"{_PREFIX}{accounts[0] if len(accounts) == 1 else ''}/", String)
    for name, column_name in _COLUMNS:
        openid = column(column_name, String)
        changed = table(name, openid)
        known = select(_KNOWN.c.person).where(_KNOWN.c.openid == openid).scalar_subquery()
        op.execute(
            update(changed)
            .where(openid.is_not(None))
            .values({column_name: func.coalesce(known, other + openid)})
        )
    op.drop_table("known_people")
