"""Which texts are commands, and that the help names them."""

from __future__ import annotations

import pytest

from tests.support.paths import ROOT
from tests.support.talk import CONNECT, NOW, Say, message_of
from triage.advice.screen import SCREEN_LINES, screen_lines
from triage.bot.bot import Bot
from triage.bot.commands import COMMANDS, nearly, read_command, spoken, usage


@pytest.mark.parametrize(
    ("text", "word", "argument"),
    [
        ("「更多」", "more", ""),
        ("下一步？", "next", ""),
        ("@机器人 更多", "more", ""),
        ("认领1", "claim", "1"),
        ("状态#1", "status", "#1"),
        ("关闭1 好了", "close", "1 好了"),
        ("备注 #3 重启了", "note", "#3 重启了"),
        ("关闭 12.5% 的流量后恢复", "close", "12.5% 的流量后恢复"),
        ("？", "help", ""),
    ],
)
def test_a_command_in_an_odd_form(text: str, word: str, argument: str) -> None:
    command = read_command(text)
    assert command is not None
    assert (command.word, command.argument) == (word, argument)


@pytest.mark.parametrize(
    "text",
    ["认领一下这个需求吧", "关闭窗口", "状态不错", "更多优惠", "为什么天是蓝的", "我的 天", "下一步 计划"],
)
def test_ordinary_words_are_no_commands(text: str) -> None:
    assert read_command(text) is None


def test_blanks_before_the_first_word_do_not_cut_it() -> None:
    assert read_command(" " * 549 + "hxy foo") is None
    command = read_command(" " * 5_000 + "备注 重启了")
    assert command is not None
    assert command.argument == "重启了"


def _help(say: Say) -> list[str]:
    """The pages of the help, as 更多 turns them."""
    pages = [say("帮助")]
    while "「更多」看" in pages[-1].rpartition("\n")[2]:
        pages.append(say("更多"))
    return pages


def test_each_page_of_the_help_fits_a_phones_screen(say: Say) -> None:
    pages = _help(say)
    assert [screen_lines(page) <= SCREEN_LINES for page in pages] == [True] * len(pages)
    assert len(pages) <= 4
    assert say("更多") == "没有下一页了。"


def test_the_help_leaves_the_incident_that_was_spoken_of(say: Say) -> None:
    say(CONNECT)
    _help(say)
    assert say("认领").startswith("事件 #1 归你了")


def test_help_that_was_asked_for_in_other_words_goes_on_with_the_words_too(say: Say) -> None:
    say("怎么用")
    assert say("更多").startswith("谁都能发：\n帮助")


def test_without_a_memory_the_help_comes_whole(bot: Bot) -> None:
    shown = bot.without_memory().handle(message_of("帮助"), NOW).text or ""
    assert all(spec.names[0] in shown for spec in COMMANDS.values())


def test_everything_a_person_can_type_is_in_the_help_and_in_both_readmes(say: Say) -> None:
    shown = "\n".join(_help(say))
    readmes = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    assert sum(map(len, usage().values())) == len(COMMANDS)
    for spec in COMMANDS.values():
        for name in spec.names:
            assert name in shown
        for readme in readmes:
            assert f"`{spec.names[0]}" in readme, spec


def test_every_command_is_answered(say: Say) -> None:
    for spec in COMMANDS.values():
        assert say(spec.names[0]), spec


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        pytest.param("更都", "更多", id="one wrong character"),
        pytest.param("下一部", "下一步", id="one wrong character of three"),
        pytest.param("为什", "为什么", id="one is missing"),
        pytest.param("认领了", "认领", id="one is too many"),
        pytest.param("hlep", None, id="two letters are in each other's place"),
        pytest.param("claimm", "认领", id="also in English"),
        pytest.param("好", None, id="one character is too few"),
        pytest.param("今天吃什么", None, id="another sentence"),
        pytest.param("更多", None, id="the command itself"),
        pytest.param("好的", None, id="assent is not 我的"),
        pytest.param("我来", None, id="who steps in does not ask for a list"),
        pytest.param("没有", None, id="no is not 没用"),
        pytest.param("移动", None, id="a carrier is not 移除"),
        pytest.param("关注", None, id="an event is not 关闭"),
    ],
)
def test_a_mistyped_command_is_told(typed: str, name: str | None) -> None:
    assert nearly(typed) == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        pytest.param("认领", None, id="the command itself"),
        pytest.param("我的证书", None, id="another sentence"),
        pytest.param("关闭报警", None, id="what is to be closed"),
        pytest.param("关闭了", "关闭", id="it has been done"),
        pytest.param("认领一下。", "认领", id="in passing"),
        pytest.param("我来认领", "认领", id="somebody offers it"),
        pytest.param("请帮助", "帮助", id="a request"),
    ],
)
def test_a_command_among_words_of_speech_is_told(typed: str, name: str | None) -> None:
    assert spoken(typed) == name


def test_a_command_among_words_of_speech_is_asked_back_rather_than_a_topic(say: Say) -> None:
    assert "是不是想发「关闭」" in say("关闭了")


def test_a_mistyped_command_is_asked_back(say: Say) -> None:
    assert "是不是想发「更多」" in say("更都")
