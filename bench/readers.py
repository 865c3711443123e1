"""Readers of alerts to compare with: this parser, and what one would take instead, each configured for alerts.

Each configuration goes as far as its language allows; docs/benchmarks.md says what each cannot do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig
from pygrok import Grok
from ttp import ttp

from triage.alerts.parser import Alert, parse

_SAMPLE_KEYS = MappingProxyType(
    {
        "OpenID": "openid",
        "Stamp": "stamp",
        "OuterIP": "outer_ip",
        "3rdUrl": "callback_url",
        "IP": "ip",
        "ip": "ip",
        "Host": "host",
        "MsgType": "msg_type",
        "Msg": "msg",
        "Event": "event",
        "http code": "http_code",
        "cURL Error": "curl_error",
        "response_length": "response_length",
        "response_content": "response_content",
        "transaction_id": "transaction_id",
        "resp": "resp",
    }
)
"""The keys in the brackets of an alert, and our names for them."""
Fields = dict[str, str]
"""What was read from one alert, by our names."""
Reader = Callable[[str], list[Fields]]
"""A text to the fields of each alert in it."""


def normalize(fields: Mapping[str, str | None]) -> Fields:
    """What a reader found, as the corpus writes it, so that no reader loses a field by its spelling."""
    found = {name: value.strip() for name, value in fields.items() if value is not None}
    if date := re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d)?", found.get("first_seen", "")):
        found["first_seen"] = f"{date[1]}T{date[2]}{date[3] or ':00'}+08:00"
    return found


def each_alert(read: Callable[[str], Mapping[str, str | None]]) -> Reader:
    """A reader of texts from a reader of one alert; the text is cut where an alert begins."""

    def read_all(text: str) -> list[Fields]:
        parts = _BEGINNING.split(text)
        return [fields for part in parts if (fields := normalize(read(part)))]

    return read_all


_BEGINNING = re.compile(r"(?=Appid\s*[:：])")

# -- ours


def read_with_triage(text: str) -> list[Fields]:
    return [_fields(alert) for alert in parse(text).alerts]


def _fields(alert: Alert) -> Fields:
    values = asdict(alert.sample) | {
        name: getattr(alert, name)
        for name in ("appid", "nickname", "description", "window_minutes", "count", "guide_url")
    }
    if alert.first_seen:
        values["first_seen"] = alert.first_seen.isoformat()
    return {name: str(value) for name, value in values.items() if value is not None}


# -- plain regexes: one for each line and each key

_COLON = r"\s*[:：]\s*"
_NEXT = r"\s*(?=昵称\s*[:：]|时间\s*[:：]|内容\s*[:：]|次数\s*[:：]|错误样例|\n|$)"
_LINES = MappingProxyType(
    {
        "appid": rf"Appid{_COLON}(?P<appid>\S+)",
        "nickname": rf"昵称{_COLON}(?P<nickname>.+?){_NEXT}",
        "first_seen": rf"时间{_COLON}(?P<first_seen>\d{{4}}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)",
        "description": rf"内容{_COLON}(?P<description>.+?){_NEXT}",
        "count": rf"次数{_COLON}(?P<window_minutes>\d+)分钟\s*(?P<count>\d+)次",
        "guide_url": r"报警排查指引[,，]\s*请见[:：]\s*(?P<guide_url>https?://[\w./?=&%-]+)",
    }
)
_BRACKET = r"\[{key}=(?P<{name}>{value})\]"
_VALUE = r"[^\]]*"
_LAST_VALUE = r"(?s:.*)"
"""A reply body holds brackets of its own; it stands last."""


def _expressions() -> list[str]:
    brackets = [
        _BRACKET.format(key=key, name=name, value=_LAST_VALUE if name == "response_content" else _VALUE)
        for key, name in _SAMPLE_KEYS.items()
    ]
    return [*_LINES.values(), *brackets]


def make_regexes() -> Reader:
    compiled = [re.compile(expression) for expression in _expressions()]

    def read(text: str) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for expression in compiled:
            if match := expression.search(text):
                found |= match.groupdict()
        return found

    return each_alert(read)


# -- pygrok: the patterns of its library, a pattern for each line and each key

_GROK = (
    r"Appid[:：]\s*%{NOTSPACE:appid}",
    r"昵称[:：]\s*%{TOEND:nickname}",
    r"时间[:：]\s*%{WHEN:first_seen}",
    r"内容[:：]\s*%{TOEND:description}",
    r"次数[:：]\s*%{INT:window_minutes}分钟\s*%{INT:count}次",
    r"报警排查指引[,，]\s*请见[:：]\s*%{URI:guide_url}",
)
_GROK_TYPES = MappingProxyType(
    {
        "WHEN": r"%{YEAR}-%{MONTHNUM}-%{MONTHDAY} %{HOUR}:%{MINUTE}(?::%{SECOND})?",
        "TOEND": rf".+?{_NEXT}",
        "VALUE": _VALUE,
        "REST": _LAST_VALUE,
    }
)


def make_pygrok() -> Reader:
    brackets = [
        rf"\[{key}=%{{{'REST' if name == 'response_content' else 'VALUE'}:{name}}}\]"
        for key, name in _SAMPLE_KEYS.items()
    ]
    groks = [Grok(pattern, custom_patterns=dict(_GROK_TYPES)) for pattern in (*_GROK, *brackets)]

    def read(text: str) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for grok in groks:
            found |= grok.match(text) or {}
        return found

    return each_alert(read)


# -- TTP: a template of the lines, one of the glued form; a macro takes the brackets apart, which a template cannot

_TTP = r"""
<macro>
def brackets(data):
    import re
    keys = %s
    return {keys[key]: value for key, value in re.findall(r"\[([^=\]]+)=([^\]]*)\]?", data) if key in keys}
</macro>
<group name="lines">
Appid: {{ appid | _start_ }}
昵称: {{ nickname | _line_ | _start_ }}
时间: {{ first_seen | _line_ | _start_ }}
内容: {{ description | _line_ | _start_ }}
次数: {{ window_minutes | DIGIT | _start_ }}分钟 {{ count | DIGIT }}次
错误样例: {{ sample | _line_ | macro("brackets") | _start_ }}
报警排查指引，请见: {{ guide_url | _start_ }}
报警排查指引,请见: {{ guide_url | _start_ }}
</group>
<group name="head">
{{ ignore(".*") }}Appid: {{ appid }} 昵称: {{ nickname | re(".+?") }} 时间: {{ ignore(".*") }}
</group>
<group name="time">
{{ ignore(".*") }}时间: {{ first_seen | re("\d{4}-\d\d-\d\d \d\d:\d\d:\d\d") }} 内容: {{ ignore(".*") }}
</group>
<group name="body">
{{ ignore(".*") }}内容: {{ description | re(".+?") }} 次数: {{ ignore(".*") }}
</group>
<group name="count">
{{ ignore(".*") }} 次数: {{ window_minutes | DIGIT }}分钟 {{ count | DIGIT }}次{{ ignore(".*") }}
</group>
<group name="sample">
{{ ignore(".*") }}次 错误样例: {{ sample | re(".+") | macro("brackets") }}
</group>
<group name="tail">
{{ ignore(".*\\]") }} 报警排查指引{{ ignore("[,，]") }}请见: {{ guide_url }}{{ ignore(".*") }}
</group>
"""


def make_ttp() -> Reader:
    parser = ttp(template=_TTP % dict(_SAMPLE_KEYS), log_level="ERROR")

    def read(text: str) -> dict[str, str | None]:
        parser.clear_input()
        parser.clear_result()
        parser.add_input(text)
        parser.parse(one=True)
        found: dict[str, str | None] = {}
        for group in parser.result(structure="flat_list"):
            for values in group.values():
                for value in values if isinstance(values, list) else [values]:
                    sample = value.pop("sample", {})
                    found |= value | (sample if isinstance(sample, dict) else {})
        return found

    return each_alert(read)


# -- Drain3: mines templates of lines; a mask names what it replaces, so that a mask for each field makes it a parser


def _masks() -> Iterator[tuple[str, str]]:
    """The name of each field and what it looks like; the reply body first, as it may hold what the others look for."""
    yield "response_content", r"(?<=\[response_content=).*?(?=\]$|\] 报警|$)"
    for key, name in _SAMPLE_KEYS.items():
        if name != "response_content":
            yield name, rf"(?<=\[{key}=){_VALUE}(?=\])"
    yield "appid", r"(?<=Appid: )\S+"
    yield "nickname", r"(?<=昵称: ).+?(?=$| 时间)"
    yield "first_seen", r"(?<=时间: )\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?"
    yield "description", r"(?<=内容: ).+?(?=$| 次数)"
    yield "window_minutes", r"\d+(?=分钟)"
    yield "count", r"\d+(?=次)"
    yield "guide_url", r"(?<=请见: )https?://[\w./?=&%-]+"


def make_drain(texts: Sequence[str]) -> Reader:
    """Trained on the very texts that it is asked about, which flatters it."""
    config = TemplateMinerConfig()
    config.drain_sim_th = 0.95  # merge nearly equal lines only: the masks have already taken out what differs
    config.masking_instructions = [MaskingInstruction(pattern, name) for name, pattern in _masks()]
    miner = TemplateMiner(config=config)
    for text in texts:
        for line in text.splitlines():
            miner.add_log_message(line)

    def read(text: str) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for line in text.splitlines():
            cluster = miner.match(line)
            if cluster is None:
                continue
            for parameter in miner.extract_parameters(cluster.get_template(), line) or ():
                found.setdefault(parameter.mask_name, parameter.value)
        return found

    return each_alert(read)
