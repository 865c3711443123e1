"""Questions, and what refers to the last answer: the next page, the next step, the reasons, a digit."""

from __future__ import annotations

from dataclasses import replace

from triage.advice.adviser import Adviser
from triage.advice.ticks import next_step
from triage.bot import lists, several
from triage.bot.commands import Command, Word, nearly, spoken
from triage.bot.context import Asking, Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.evidence import known_parts
from triage.bot.incident_commands import act_on_incident
from triage.bot.meant import incident_spoken_of
from triage.bot.usage import more_words
from triage.masking import mask
from triage.store import Action

_LONGEST_GAP = 200
"""Characters of a question that are kept for rule authors."""


def ask(adviser: Adviser, text: str, before: Conversation | None, *, is_overheard: bool = False) -> Outcome:
    """The answer to a question; the incident that was spoken of before stays the one that is meant.

    `is_overheard`: others read it too, so that small talk gets no answer.
    """
    asked = adviser.ask(text)
    page = next(adviser.topic_pages(asked))
    if meant := spoken(text) or (None if asked.topic else nearly(text)):
        return Outcome(adviser.say("meant", name=meant), asked=asked)
    if asked.topic is None and asked.source is None and is_overheard:
        return Outcome(None, asked=asked)
    if asked.topic is None:
        return Outcome(page.text, asked=asked, gap=_kept(text) if asked.says_something else None)
    not_taken = before.text if before and before.is_question and before.choices else None
    talk = Conversation(
        text,
        shown=page.shown,
        incident=before.incident if before else None,
        choices=asked.choices,
        is_question=True,
    )
    return Outcome(page.text, conversation=talk, asked=asked, gap=_kept(not_taken) if not_taken else None)


def _kept(text: str) -> str:
    """A question that found nothing, or whose offer nobody took, as rule authors may see it."""
    return mask(text)[:_LONGEST_GAP]


def _member(context: Asking) -> Context | None:
    """With what a member's lists are carried out; None for anybody else."""
    found = context()
    return found if found and found.viewer.is_member else None


def choose(adviser: Adviser, number: int, talk: Conversation | None, context: Asking) -> Outcome:
    """A digit: the topic, group, incident or alert that the last reply numbered; else that of the platform's guide."""
    if talk and 0 < number <= len(talk.choices):
        return ask(adviser, talk.choices[number - 1], replace(talk, choices=()))
    if talk and 0 < number <= len(talk.groups) and (member := _member(context)):
        return lists.open_group(member, talk, number)
    if talk and number in talk.listed and (member := _member(context)):
        return act_on_incident(member, Command(Word.STATUS, str(number)), talk)
    found = context() if talk and talk.text and not talk.is_question else None
    chosen = several.choose(found, talk, number) if found and talk else None
    return chosen or ask(adviser, str(number), talk)


def why(adviser: Adviser, talk: Conversation) -> Outcome:
    """The reasons of the last answer, page by page."""
    pages = adviser.why(talk.text, talk.lead, talk.chosen)
    if not pages:
        return Outcome(nothing_to(adviser, Word.WHY), conversation=talk)
    shown = talk.reasons + 1
    return Outcome(pages[shown - 1], conversation=replace(talk, reasons=shown if shown < len(pages) else 0))


def more(adviser: Adviser, talk: Conversation, context: Asking) -> Outcome:
    """The page after the last one: of the reasons or the list shown last, of several alerts, else of the steps."""
    if talk.reasons:
        return why(adviser, talk)
    if talk.listed_shown < len(talk.listed) and (member := _member(context)):
        return lists.more(member, talk)
    if not talk.text:
        return Outcome(nothing_to(adviser, Word.MORE, ended=True))
    reading, alerts = adviser.diagnose(talk.text)
    if len(alerts) > 1:
        found = context()
        page = several.more(found, talk, alerts) if found else None
        return page or Outcome(nothing_to(adviser, Word.MORE, ended=True), conversation=talk)
    parts = known_parts(context(), talk)
    if alerts:
        pages = list(adviser.alert_pages(reading, alerts, lead=talk.lead, skip=talk.shown, parts=parts))[:1]
    else:
        pages = list(adviser.topic_pages(adviser.ask(talk.text), skip=talk.shown, parts=parts))[:1]
    if not pages or not pages[0].text:
        if words := more_words(adviser, talk):
            return words
        return Outcome(nothing_to(adviser, Word.MORE, ended=True), conversation=talk)
    return Outcome(pages[0].text, conversation=talk.turned(pages[0].shown))


def step(adviser: Adviser, talk: Conversation, word: Word, context: Context | None) -> Outcome:
    """The next step alone (下一步, 没用): what evidence points to comes first, what it found healthy is left out.

    With a context it is recorded at the incident how far its member has come, and which step was of no use.
    """
    steps = adviser.steps(talk.text, talk.lead, talk.chosen, known_parts(context, talk))
    if steps is None:
        return Outcome(nothing_to(adviser, word), conversation=talk)
    number = next_step(steps.ticks, talk.walked)
    if number is None:
        return Outcome(adviser.say("step_alone", done=True), conversation=talk)
    text = adviser.say(
        "step_alone", done=False, number=number, total=steps.count, step=steps.line(number - 1)
    )
    actions = _progress(context, talk, word, number) if context else ()
    return Outcome(
        text, actions=actions, conversation=replace(talk, step=number, walked=(*talk.walked, number))
    )


def nothing_to(adviser: Adviser, word: Word, *, ended: bool = False) -> str:
    """That there is nothing the word could refer to; `ended`: not any more."""
    return adviser.say("nothing_to", word=word.value, name="", number=None, ended=ended, in_group=False)


def _progress(context: Context, talk: Conversation, word: Word, number: int) -> tuple[Action, ...]:
    incident = incident_spoken_of(context, talk)
    if incident is None:
        return ()
    who = context.viewer.person
    step_begun = Action("step", incident.id, who, str(number))
    if word is Word.USELESS and talk.step:
        return Action("note", incident.id, who, f"第 {talk.step} 步没用"), step_begun
    return (step_begun,)
