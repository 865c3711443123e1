"""登录: a member is sent a link that signs them in to the console once."""

from __future__ import annotations

from triage.bot.commands import Word
from triage.bot.context import Context, Outcome, refused
from triage.bot.links import SIGN_IN_LASTS
from triage.store import SignInLink
from triage.store.signing import digest_of


def act(context: Context) -> Outcome:
    """A link for a member who asks alone; what to do instead for everybody else."""
    if context.viewer.in_public:
        return _told(context, "public")
    refusal = refused(context, Word.LOGIN)
    if refusal is not None:
        return refusal
    if context.links is None:
        return _told(context, "unset")
    token = context.links.new_token()
    sent = SignInLink(digest_of(token), context.viewer.person, context.now + SIGN_IN_LASTS)
    return _told(context, "now", context.links.to_sign_in(token), sent)


def _told(context: Context, how: str, url: str = "", *sent: SignInLink) -> Outcome:
    minutes = int(SIGN_IN_LASTS.total_seconds() // 60)
    return Outcome(context.adviser.say("login", how=how, url=url, minutes=minutes), actions=sent)
