"""Replies in Markdown: what was written is seen, whoever wrote it."""

from __future__ import annotations

import pytest

from triage.channels.markdown import as_markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("先做", "先做", id="plain words stay"),
        pytest.param(
            "[点我](http://evil.example)", r"\[点我\](http://evil.example)", id="no link of somebody else's"
        ),
        pytest.param(
            "**急** _x_ ~~y~~", r"\*\*急\*\* \_x\_ \~\~y\~\~", id="no bold, no italics, nothing struck"
        ),
        pytest.param("<font color=red>x</font>", r"\<font color=red\>x\</font\>", id="no HTML"),
        pytest.param("<@all>", r"\<@all\>", id="nobody is called"),
        pytest.param("# 大字", r"\# 大字", id="no heading"),
        pytest.param("#12 连接超时", "#12 连接超时", id="the number of an incident is none"),
        pytest.param("> 引用", r"\> 引用", id="no quotation"),
        pytest.param("- 一", r"\- 一", id="no list"),
        pytest.param("1. 一", r"1\. 一", id="no numbered list"),
        pytest.param("1 看域名", "1 看域名", id="a step stays"),
        pytest.param("---", r"\---", id="no rule"),
        pytest.param("a|b", r"a\|b", id="no table"),
        pytest.param(r"\n", r"\\n", id="a backslash stays one"),
        pytest.param(
            "  dig +short wx_a.example.org", "`dig +short wx_a.example.org`", id="a command is code"
        ),
        pytest.param("  echo `date`", "`` echo `date` ``", id="backticks in a command"),
        pytest.param("  正常：有 *", r"  正常：有 \*", id="indented words are no command"),
        pytest.param(
            "见 https://a.example/x_y-_z，_急_",
            r"见 https://a.example/x_y-_z，\_急\_",
            id="an address leads on",
        ),
        pytest.param(
            "https://a.example/**x**", r"https://a.example/\*\*x\*\*", id="nothing is bold behind an address"
        ),
        pytest.param("一\n二", "一\n二", id="lines stay lines"),
    ],
)
def test_a_reply_is_seen_as_it_was_written(text: str, shown: str) -> None:
    assert as_markdown(text) == shown
