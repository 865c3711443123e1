"""Undoes what copying does to a text: widths, invisible characters, escapes, quotation marks of mail and Markdown."""

from __future__ import annotations

import html
import re
import unicodedata

from hanziconv.charmap import simplified_charmap, traditional_charmap

from triage.alerts.unwrapping import unwrap

MAX_LINE = 2_000
"""Characters of a line that are read."""
_MAX_FOLDED_LINES = 5
"""Lines over which a copied sentence may be spread."""
LABELS = (
    r"(?:app ?[il]d|[昵呢]称|[暱昵]稱|[时時][间間]|[内內]容|次[数數]|[错錯][误誤][样樣]例|[报報告]警排查指引)"
)

_UNCHANGED_TEXT = re.compile("[\t\n -~、。…，：\u4e00-\u9fff]*")
"""The characters of the platform's own text. A text of these alone needs no cleaning, and folding it is cheap."""
_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
    "|(?<![\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d"  # a joiner stays between emoji
)
_RAW_BODY = re.compile(r"(?i)(?:response_content|resp)\s*[=＝]\s*(?:[\"“]\s*)?<(?!/?(?:p|br|div|span)\b)")
_ENTITY = re.compile(r"(?i)&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,7}|#x[0-9a-f]{1,6});")
_BREAKING_TAG = re.compile(r"(?i)<(?:br|/p|/div|/li|/tr|/h[1-6])\b[^<>]{0,200}>\n?")
_TAG = re.compile(r"(?i)</?(?:p|br|div|span|li)\b")
_TAG_BEHIND_BODY = re.compile(
    rf"(?i)(?<=[\].…])\s{{0,20}}(?:</?(?:p|br|div|span|li)\b[^<>]{{0,200}}>\s{{0,20}}){{1,4}}(?=(?:\*\*)?{LABELS})"
)
_INLINE_TAG = re.compile(
    r"(?i)</?(?:p|div|li|tr|td|th|ul|ol|table|tbody|span|b|strong|em|i|font|a|code|pre|blockquote|h[1-6])\b[^<>]{0,200}>"
)
_TAG_BEFORE_LABEL = re.compile(
    rf"(?i)(?:</?(?:p|br|div|span|li)\b[^<>]{{0,200}}>\s{{0,20}}){{1,4}}(?=(?:\*\*)?{LABELS})"
)
_QUOTE = re.compile(r"[ \t]*(?:[>＞][ \t]?)+")
_DECORATION = re.compile(r"(?m)^\s*(?:\(?\d{1,2}[.)、]|[①-⑩])|</?[a-z][^<>]{0,200}>|```\w*")
_LETTER = re.compile(r"[^\W_]")
_STRUCTURE = re.compile(rf"(?i){LABELS}[ \t*]*[:：;；]|[\[【［]\w+ ?\w*[=＝]")


class _Fold(dict[int, int]):
    """Code point to code point, filled as characters are met.

    Half width, lower case, one kind of bracket, colon, dash and quotation mark.
    """

    _MAX_CACHED = 60_000

    def __missing__(self, code: int) -> int:
        char = chr(code)
        folded = unicodedata.normalize("NFKC", char).lower()
        if len(folded) != 1:
            folded = char.lower() if len(char.lower()) == 1 else char
        if len(self) > self._MAX_CACHED:
            self.clear()
            self.update(_FOLDED_SIGNS | _SIMPLIFIED)
        self[code] = ord(folded)
        return self[code]


_FOLDED_SIGNS = {
    ord(char): ord(plain)
    for chars, plain in (
        ("【〔〖", "["),
        ("】〕〗", "]"),
        ("∶︰", ":"),
        ("‐‑‒–—―−─", "-"),
        ("“”„‟", '"'),
        ("‘’", "'"),
        ("①②③④⑤⑥⑦⑧⑨⑩", "*"),
    )
    for char in chars
}
_SIMPLIFIED = {
    ord(old): ord(new) for old, new in zip(traditional_charmap, simplified_charmap, strict=True) if old != new
} | {ord("暱"): ord("昵"), ord("臺"): ord("台")}
_TRADITIONAL = re.compile(f"[{''.join(map(chr, _SIMPLIFIED))}]")
_TAIWAN_WORDS = (
    ("伺服器", "服务器"),
    ("逾时", "超时"),
    ("讯息", "消息"),
    ("网域", "域名"),
    ("网路", "网络"),
    ("凭证", "证书"),
    ("软体", "软件"),
    ("位址", "地址"),
    ("连线", "连接"),
    ("公众帐号", "公众账号"),
    ("资料库", "数据库"),
    ("频宽", "带宽"),
    ("伫列", "队列"),
    ("快取", "缓存"),
    ("硬碟", "硬盘"),
    ("介面", "接口"),
)
"""Words of Taiwan with those of the platform, as many characters each: a place in the text must stay one."""
_FOLD = _Fold(_FOLDED_SIGNS | _SIMPLIFIED)


def fold(text: str) -> str:
    """The text for comparing: half width, lower case, simplified. A place in it is the same place in `text`."""
    if text.isascii():
        return text.lower()
    if _TRADITIONAL.search(text):
        return _of_the_mainland(text.translate(_FOLD))
    if _UNCHANGED_TEXT.fullmatch(text):
        return text.lower().replace("，", ",").replace("：", ":")
    return text.translate(_FOLD)


def _of_the_mainland(text: str) -> str:
    for word, ours in _TAIWAN_WORDS:
        text = text.replace(word, ours)
    return text


def half_width(text: str) -> str:
    """The text in half width, letter case kept: for values that programs use, such as addresses and ids."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def unindent(text: str, opening: str) -> str:
    """The text without the indentation that copying gave to all its lines.

    `opening` is what stands before the text on its first line.
    """
    indent = opening[: len(opening) - len(opening.lstrip(" \t"))]
    if indent and all(line.startswith(indent) or not line.strip() for line in text.split("\n")[1:]):
        return text.replace("\n" + indent, "\n")
    return text


def clean(text: str) -> str:
    """The text as the platform wrote it, as far as that can be restored without guessing.

    Removes invisible characters, HTML around the alert, and the `>` of quoted lines; unifies line ends.
    """
    if not _UNCHANGED_TEXT.fullmatch(text):
        text = _SURROGATES.sub("\ufffd", text)
        text = _INVISIBLE.sub("", _NEWLINES.sub("\n", text))
    if "<" in text or "&" in text:
        text = _without_markup(text)
    text = text.replace("\xa0", " ")
    text = _without_quoting(text) if ">" in text or "＞" in text else text
    return unwrap(text)


def _without_markup(text: str) -> str:
    """HTML source as text; a reply body that is markup itself is kept."""
    tagged = "<" in text
    if tagged and (body := _RAW_BODY.search(text)):
        if not _TAG.search(text):
            return text
        before, behind = text[: body.start()], text[body.start() :]
        return _TAG_BEFORE_LABEL.sub("\n", before) + _TAG_BEHIND_BODY.sub("\n", behind)
    if tagged and _TAG_BEFORE_LABEL.search(text):
        text = _INLINE_TAG.sub("", _BREAKING_TAG.sub("\n", text))
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text) if "&" in text else text


def _without_quoting(text: str) -> str:
    """The text without the `> ` of quoted blocks that hold a label or a bracket of an alert."""
    lines = text.split("\n")
    prefix = ""
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and _QUOTE.match(lines[end]):
            end += 1
        if end == start:
            prefix = prefix if not lines[start].strip() else ""
            start += 1
            continue
        prefix = _prefix_of(lines[start:end]) or prefix
        lines[start:end] = [_unquote(line, prefix) for line in lines[start:end]]
        start = end
    return "\n".join(lines)


def _prefix_of(block: list[str]) -> str:
    """The quotation marks before the first line of an alert; `""` where the block holds none."""
    for line in block:
        quote = _QUOTE.match(line)
        if quote and _STRUCTURE.search(line):
            return quote[0]
    return ""


def _unquote(line: str, prefix: str) -> str:
    """The line without the prefix, or without as many quotation marks written with other blanks."""
    if not prefix or line.startswith(prefix):
        return line[len(prefix) :]
    blank = r"[ \t]?" if prefix[-1] in " \t" else ""
    return re.sub(rf"^(?:[ \t]*[>＞]{blank}){{1,{prefix.count('>') + prefix.count('＞')}}}", "", line)


def has_words(piece: str) -> bool:
    """Whether there is more than list marks, tags and fences; the first letter decides without a search."""
    first = piece.lstrip()[:1]
    return first.isalpha() or (first != "" and bool(_LETTER.search(_DECORATION.sub("", piece))))


def has_words_between(folded: str, start: int, end: int) -> bool:
    """Whether words stand between two parts of a text, looking no further than a line is long."""
    between = folded[start : min(end, start + MAX_LINE)]
    return between not in ("", "\n") and has_words(between)


def unfold(raw: str) -> str | None:
    """The lines of a folded sentence as one; None where they are too many to be one."""
    written = [line for line in raw[:MAX_LINE].split("\n") if has_words(line)]
    if len(written) > _MAX_FOLDED_LINES:
        return None
    return "".join([trim_line(line, False, False) for line in written]).rstrip(";；,，、")


def trim_line(line: str, is_last: bool, has_follower: bool) -> str:
    """A line without what wraps the alert: tags, fences, bold marks, the list mark of a label behind it.

    `is_last` says that the text ends here, `has_follower` that the next label stands on the same line.
    """
    if not has_follower and not _WRAPPING_SIGN.search(line):
        return line.strip()
    line = (_TAGS_AT_END.sub("", line.rstrip()) or line) if ">" in line else line.rstrip()
    if "```" in line:
        line = re.sub(r"\s*```.*$", "", line)
    if has_follower:
        line = re.sub(r"\s+(?:[-#>|*•·]|\(?\d{1,2}[.)、])$", "", line).rstrip(";；,，、")
    line = (re.sub(r"\s+\|$", "", line) if line.endswith("|") else line).strip()
    if is_last and line.endswith("」") and line.count("「") < line.count("」"):
        line = line.rstrip("」")
    for mark in ("**", "`"):
        if line.startswith(mark) and line.endswith(mark) and line.strip("*`"):
            line = line.strip(mark)
    return line.removesuffix("**") if line.strip("*") and "**" not in line[:-2] else line


_WRAPPING_SIGN = re.compile(r"[>`|」*]")
"""A cheap check: only a line with one of these can need trimming."""
_TAGS_AT_END = re.compile(r"(?:\s*</?[A-Za-z][^<>]{0,200}>){1,5}\s*$")
