"""The beginning of a rule file, written from one alert: what the author has to change says so.

Rule files are kept and passed on, so what names a person or opens a door stays out of them.
"""

from __future__ import annotations

import re

from triage.alerts.facts import facts_of, is_masked
from triage.alerts.parser import Alert, parse
from triage.masking import mask
from triage.rules.matching import UNKNOWN
from triage.rules.parser import MIN_SENTENCE_LETTERS
from triage.rules.strict_yaml import MAX_TEXT

_SIGNS = (
    *("event", "msg", "http_code", "curl_error", "platform", "domain", "ip", "url"),
    *("msg_type", "response_length", "decrypt_fail", "appid", "nickname", "count"),
)
"""The facts that an alert without a 内容 line may be known by, the most general first."""
_PERSON = re.compile(
    r"(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)[1-9]\d{16}[\dXx](?![\dXx])|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+",
    re.ASCII,
)
"""A mobile number, a number of an identity card, an address of mail."""


def write_scaffold(alert: Alert, kind: str) -> str:
    """A rule for alerts like this one: it names their kind, or adds steps where `kind` is known already."""
    example = _readable(_without_persons(alert).strip()[: MAX_TEXT - 1])
    alert = next(iter(parse(example).alerts), alert)
    text = re.sub(r"(?m)^", "        ", example)
    return f"""\
id: my_rule            # a-z, 0-9 and _; then save this as my_rule.yml
title: 给这类报警起个名
severity: high         # critical, high, medium, low, info
meaning: 一两句话说清它意味着什么。
{_naming(alert) if kind == UNKNOWN else _advising(alert, kind)}steps:
  - id: first
    do: 第一步做什么
    # run: curl -sv -m 5 {{{{ url }}}}
    # healthy: 正常时看到什么
    source: field
examples:
  match:
    - alert: |
{text}
      renders: [第一步做什么]
  ignore:
    - query: 今天中午吃什么"""


def _without_persons(alert: Alert) -> str:
    """The text of the alert without secrets and without what is one person's."""
    text = alert.text
    for value in filter(None, (alert.sample.openid, alert.sample.transaction_id)):
        if len(value) >= _MIN_ID:
            text = text.replace(value, f"{value[0]}…")
    return _PERSON.sub("…", mask(text))


_MIN_ID = 12
"""Characters; what is shorter is nobody's OpenID or payment, and may stand in other words."""


def _naming(alert: Alert) -> str:
    if alert.description is None:
        return f"sentences: [写上这类报警的内容那一行]\nsigns:                 # 没有「内容」时靠它认\n{_sign(alert)}"
    sentence = _literal(alert.description)
    if sum(map(str.isalnum, sentence)) < MIN_SENTENCE_LETTERS:
        return f"when:\n  kind: {UNKNOWN}\n  description: {sentence}\npriority: 10\n"
    return f"sentences: [{sentence}]\naliases: [{sentence}]\n"


def _sign(alert: Alert) -> str:
    """One condition that holds of the alert: the first sign that it has."""
    facts = facts_of(alert, "", ())
    field = next((name for name in _SIGNS if _is_usable(facts.get(name))), None)
    return (
        f"  {field}: {_literal(str(facts[field]))}\n"
        if field
        else "  text|exists: yes   # 换成它独有的一点\n"
    )


def _advising(alert: Alert, kind: str) -> str:
    account = next((name for name in ("appid", "nickname") if _is_usable(getattr(alert, name))), None)
    line = f"  {account}: {_literal(getattr(alert, account))}\n" if account else ""
    return f"when:\n  kind: {kind}\n{line}priority: 10\n"


def _is_usable(value: object) -> bool:
    """Whether a condition can hold the value, where `$` begins the name of a list, and nobody has masked it."""
    text = _readable(str(value or "")).strip()
    return text != "" and text == str(value) and not text.startswith("$") and not is_masked(text)


def _readable(text: str) -> str:
    """The text without characters that YAML refuses."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


def _literal(text: str) -> str:
    """A YAML scalar in single quotes."""
    return "'" + " ".join(_readable(text).split()).replace("'", "''") + "'"
