"""帮助: what the bot is for, and by 更多 every word that it takes, a phone's screen at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from triage.advice.adviser import Adviser
from triage.advice.screen import SCREEN_LINES, screen_lines
from triage.bot.commands import COMMANDS, usage
from triage.bot.context import Outcome
from triage.bot.conversation import Conversation
from triage.rules.model import HELP_TOPIC

_QUESTION = "帮助"


def explain(adviser: Adviser, before: Conversation | None, *, has_memory: bool) -> Outcome:
    """The answer to 帮助; all of it at once where 更多 could not go on."""
    pages = [_first(adviser), *_words(adviser)]
    if not has_memory:
        return Outcome("\n".join(pages))
    talk = Conversation(
        _QUESTION, shown=_steps(adviser), incident=before.incident if before else None, is_question=True
    )
    return Outcome(pages[0], conversation=talk)


def more_words(adviser: Adviser, talk: Conversation) -> Outcome | None:
    """The next page of words after the topic of help; None for another topic, and after the last one."""
    asked = adviser.ask(talk.text)
    if asked.topic is None or asked.topic.id != HELP_TOPIC:
        return None
    page = next((text for place, text in enumerate(_words(adviser)) if place == talk.page), None)
    return None if page is None else Outcome(page, conversation=replace(talk, page=talk.page + 1))


def _first(adviser: Adviser) -> str:
    """The topic of help, and how many words there are."""
    page = next(adviser.topic_pages(adviser.ask(_QUESTION))).text if adviser.rules.get(HELP_TOPIC) else ""
    return f"{page}\n{adviser.say('commands', lines=(), rest=len(COMMANDS))}".strip()


def _steps(adviser: Adviser) -> int:
    steps = adviser.steps(_QUESTION)
    return steps.count if steps else 0


def _words(adviser: Adviser) -> Iterator[str]:
    """The pages of words, each under who may type it."""
    lines: list[str] = []
    rest = len(COMMANDS)
    for who, words in usage().items():
        for place, word in enumerate(words):
            head = [f"{who}："] if place == 0 or not lines else []
            if lines and screen_lines("\n".join([*lines, *head, word])) >= SCREEN_LINES:
                yield adviser.say("commands", lines=lines, rest=rest)
                lines, head = [], [f"{who}："]
            lines += [*head, word]
            rest -= 1
    yield adviser.say("commands", lines=lines, rest=0)
