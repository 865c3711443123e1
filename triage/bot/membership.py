"""How people become members: 邀请 makes an invitation word, 加入 uses it."""

from __future__ import annotations

from datetime import timedelta

from triage.bot.context import Context, Outcome
from triage.store import Invite, Join

INVITATION_EXPIRES = timedelta(days=1)
LONGEST_NAME = 20
"""Characters of a member's name; the rest is cut off."""


def invite(context: Context, word: str) -> Outcome:
    """Give out `word`, which makes one person a member."""
    viewer, expires = context.viewer, context.now + INVITATION_EXPIRES
    given = Invite(word, viewer.person, expires, appids=viewer.appids)
    return Outcome(context.adviser.say("invitation", word=word), actions=(given,))


def join(context: Context, argument: str) -> Outcome:
    """Make the viewer a member by an argument like `gulu 阿珍`: the invitation word and their name."""
    word, _, name = argument.partition(" ")
    name = name.strip()[:LONGEST_NAME]
    if context.viewer.is_member:
        how = "member"
    elif not word or not name:
        how = "nameless" if word else "wordless"
    else:
        how = "now" if context.store.invitation(word, context.now) else "wrong"
    shown = word[:LONGEST_NAME] if how == "nameless" else ""
    text = context.adviser.say("joined", how=how, word=shown, name=name if how == "now" else "")
    return Outcome(text, actions=(Join(word, context.viewer.person, name),) if how == "now" else ())
