"""The commands that a person can type in plain chat."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from triage.alerts.cleaning import clean, fold

LONGEST_NOTE = 500
"""Characters of a note or a reason; the rest is cut off, and the reply says so."""
_MAX_LENGTH = LONGEST_NOTE + 50
"""Characters of a text that are looked at: a note, and the word and mention before it."""


class Word(enum.StrEnum):
    """The commands."""

    HELP = "help"
    MORE = "more"
    NEXT = "next"
    USELESS = "useless"
    WHY = "why"
    CLAIM = "claim"
    NOTE = "note"
    CLOSE = "close"
    STATUS = "status"
    HISTORY = "history"
    MINE = "mine"
    JOIN = "join"
    INVITE = "invite"
    PENDING = "pending"
    CONFIRM = "confirm"
    MEMBERS = "members"
    REMOVE = "remove"
    DUTY = "duty"
    COVER = "cover"
    SWAP = "swap"
    RELEASE = "release"
    GIVE = "give"
    MUTE = "mute"
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """How a command is typed, and its line of help."""

    names: tuple[str, ...]
    """The words it is typed as, the one shown first."""
    help: str
    """What it does, in Chinese."""
    argument: str = ""
    """What may follow the word, as the help shows it; `""` for nothing."""
    members_only: bool = False
    leads_only: bool = False


COMMANDS: Mapping[Word, CommandSpec] = {
    Word.HELP: CommandSpec(("帮助", "help", "?", "h"), "看用法"),
    Word.MORE: CommandSpec(("更多", "继续", "more"), "看下一页"),
    Word.NEXT: CommandSpec(("下一步", "next"), "一次只看一步，往下走"),
    Word.USELESS: CommandSpec(("没用", "useless"), "这一步没用，换下一步"),
    Word.WHY: CommandSpec(("为什么", "why"), "凭什么这样判断，每步出自哪里"),
    Word.CLAIM: CommandSpec(("认领", "claim"), "这件事我来处理", "[编号 …|全部]", members_only=True),
    Word.NOTE: CommandSpec(("备注", "note"), "给事件记一笔", "内容", members_only=True),
    Word.CLOSE: CommandSpec(
        ("关闭", "close"), "处理完了，写下是怎么好的", "[#编号 …|全部] [原因]", members_only=True
    ),
    Word.STATUS: CommandSpec(("状态", "status"), "现在有哪些事件，谁在处理", "[编号]", members_only=True),
    Word.HISTORY: CommandSpec(("历史", "history"), "以前出过什么事，怎么好的", members_only=True),
    Word.MINE: CommandSpec(("我的", "mine"), "我认领的事件", members_only=True),
    Word.RELEASE: CommandSpec(("放手", "release"), "我认领的放开，再找人", "[编号]", members_only=True),
    Word.GIVE: CommandSpec(("转给", "give"), "把事件交给同事", "[编号] 名字", members_only=True),
    Word.MUTE: CommandSpec(("静音", "mute"), "这件事先别叫人", "[编号] 1小时", members_only=True),
    Word.DUTY: CommandSpec(("值班", "oncall"), "谁值班，到几点，下一个是谁", members_only=True),
    Word.COVER: CommandSpec(("替班", "cover"), "从现在起我来值", "2小时", members_only=True),
    Word.SWAP: CommandSpec(("换班", "swap"), "那一天换个人值", "10-01 名字", members_only=True),
    Word.LOGIN: CommandSpec(("登录", "login"), "要控制台的链接", members_only=True),
    Word.JOIN: CommandSpec(("加入", "join"), "用邀请词成为成员", "邀请词 名字"),
    Word.PENDING: CommandSpec(("待确认", "pending"), "外人转来、没算进事件的", members_only=True),
    Word.CONFIRM: CommandSpec(("确认", "confirm"), "把它算进事件", "编号", members_only=True),
    Word.INVITE: CommandSpec(("邀请", "invite"), "生成一个邀请词给同事", "[名字]", leads_only=True),
    Word.MEMBERS: CommandSpec(
        ("成员", "members"),
        "看成员，或改看哪些号、当什么",
        "[名字 AppID|全部|负责人|成员]",
        leads_only=True,
    ),
    Word.REMOVE: CommandSpec(("移除", "remove"), "让一个人不再是成员", "名字", leads_only=True),
}
_BY_NAME = {name: word for word, spec in COMMANDS.items() for name in spec.names}
_FIRST_WORD = re.compile(r"\s*(\w+)[\s:：,，]")
_NUMBER = re.compile(r"[#＃]|\d{1,9}(?:[\s。.!！,，、:：]|$)")
_TIMED = frozenset({Word.COVER, Word.SWAP, Word.MUTE})
"""Commands with a time or a date, which people write right behind: 替班2小时."""
_DIGITS = re.compile(r"\d.*")
_MENTION = re.compile(r"@\S+\s+")
_QUOTES = "「」『』“”‘’\"'"
_TYPED = re.compile(
    r"([^\s:：,，#\d]+?)[。.!！?？~～]*"
    r"(?:(?P<glued>\s*)(?P<number>[#＃]?\d.*)|[\s:：,，]+(?P<rest>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Command:
    """A typed command."""

    word: Word
    argument: str = ""
    """What followed the word; `""` for nothing."""


def read_command(text: str) -> Command | None:
    """The command that a text is: its name alone, or its name and an argument where it takes one; else None."""
    text = text.lstrip()
    plain = _FIRST_WORD.match(text, 0, _MAX_LENGTH)
    # most texts end here, before they are cleaned: an ordinary first word is the same after cleaning
    if plain and _DIGITS.split(fold(plain[1]))[0] not in _BY_NAME:
        return None
    first = text.split(maxsplit=1)[:1]
    if not first or len(first[0]) > LONGEST_NOTE:
        return None
    typed = _MENTION.sub("", clean(text[:_MAX_LENGTH]).strip(), count=1)
    if typed[:1] in _QUOTES and typed[-1:] in _QUOTES:
        typed = typed.strip(_QUOTES)
    match = _TYPED.fullmatch(typed)
    if match is None:
        return None
    word = _BY_NAME.get(fold(match[1]))
    if match["glued"] == "" and word not in _TIMED and not _NUMBER.match(match["number"]):
        return None  # 关闭499的连接 is no command
    argument = (match["number"] or match["rest"] or "").strip()[:LONGEST_NOTE]
    if word is None or (argument and not COMMANDS[word].argument):
        return None
    if (
        word is Word.STATUS and match["glued"] == "" and argument.isdecimal()
    ):  # 状态502 asks for an HTTP status
        return None
    return Command(word, argument)


def spoken(text: str) -> str | None:
    """The command that stands in a text among words of speech, as in 我来认领 and 关闭了; None if there is none."""
    typed = fold(text[:_LONGEST_SPOKEN].strip(_ENDS))
    match = _SPOKEN.fullmatch(typed)
    word = _BY_NAME.get(match[1]) if match and match[1] != typed else None
    return COMMANDS[word].names[0] if word else None


def nearly(text: str) -> str | None:
    """The command of which a short text is one wrong, missing or surplus character away; None if it is none."""
    typed = fold(text.strip().rstrip(_ENDS))
    if not _MIN_NEARLY <= len(typed) <= _MAX_NEARLY or not typed.isalpha() or typed in _ORDINARY:
        return None
    near = [name for name in _BY_NAME if len(name) >= _MIN_NEARLY and Levenshtein.distance(typed, name) == 1]
    return COMMANDS[_BY_NAME[near[0]]].names[0] if near else None


_MIN_NEARLY, _MAX_NEARLY = 2, 8
"""Characters of a word that may be a mistyped command."""
_ENDS = "。.!！?？~～ "
_SPOKEN = re.compile(r"(?:请|麻烦|帮我|我来|我要|我)?(\w{2,}?)(?:一下|掉|了|吧|啦|啊|呀|下)?")
_LONGEST_SPOKEN = 20
_ORDINARY = frozenset(
    re.findall(
        r"\S+",
        "好的 是的 对的 有的 行的 真的 别的 你的 他的 她的 它的 谁的 我们 我来 我看 我去 我在 没有 没事 "
        "没错 没空 移动 加油 加班 加急 成功 成本 值得 放心 静态 关注 关于 历时 认识 换成 替换",
    )
)
"""Words of their own that are one character away from a command."""


def usage() -> Mapping[str, tuple[str, ...]]:
    """One line of help for each command, by who may type it."""
    found: dict[str, tuple[str, ...]] = {"谁都能发": (), "成员能发": (), "负责人能发": ()}
    for spec in COMMANDS.values():
        who = "负责人能发" if spec.leads_only else "成员能发" if spec.members_only else "谁都能发"
        typed = f"{spec.names[0]} {spec.argument}".strip()
        found[who] += (f"{typed}（{'、'.join(spec.names[1:])}）{spec.help}",)
    return found
