"""A command speaks one language: help, examples and mistakes, whole and within eighty columns."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from string import Formatter

import click
import pytest

from tests.support.paths import ROOT
from triage.cli import cli, main
from triage.cli._chinese import COMMANDS
from triage.cli._commands import Command, Group
from triage.cli._formatter import columns, wrap
from triage.cli._language import choose_language, gettext
from triage.evidence.findings import FINDINGS
from triage.evidence.nginx.problems import SEVERITIES
from triage.settings.wordings import CATALOGUES, Language, catalogue, language_of
from triage.simulator.illnesses import ILLNESSES
from triage.store import TABLES

Printed = pytest.CaptureFixture[str]
LANGUAGES = ["en", "zh"]
HAN = re.compile(r"[\u4e00-\u9fff]")


def _walk(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        inside = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from _walk(command, inside)
        else:
            yield inside, command


ALL = dict(_walk(cli))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.Big5"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LC_ALL": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8", "LANG": "en_US"}, "zh"),
        ({"TRIAGE_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, "zh"),
        ({"TRIAGE_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
        ({"TRIAGE_LANG": "", "LC_ALL": "", "LANG": "zh_CN"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_is_that_of_the_setting_else_of_the_locale(
    environment: Mapping[str, str], expected: str
) -> None:
    try:
        assert choose_language(environment) == expected
    finally:
        choose_language({})


def test_each_run_chooses_anew(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    for language, heading in (("zh", "用法："), ("en", "Usage: "), ("zh", "用法：")):
        monkeypatch.setenv("TRIAGE_LANG", language)
        assert main(["parse", "--help"]) == 0
        assert capsys.readouterr().out.startswith(heading)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ALL)
def test_help_is_whole_in_one_language_and_fits_a_terminal(
    path: str, language: str, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("TRIAGE_LANG", language)
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*path.split(), "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if columns(line) > 80] == []
    assert [line for line in lines[1:] if line.endswith("...")] == []
    text = "\n".join(line for line in lines if not re.match(r"  (triage|\w+=)", line))
    if language == "en":
        assert HAN.findall(text) == []
    else:
        english = re.findall(r"(?<![\w`-])(?:the|of|and|with|this|default|required|Show|Print)\b", text)
        assert (english, bool(HAN.search(text))) == ([], True)


@pytest.mark.parametrize(
    "path", [path for path, command in ALL.items() if not isinstance(command, click.Group)]
)
def test_the_examples_of_a_command_can_be_typed(path: str) -> None:
    command = ALL[path]
    assert isinstance(command, Command)
    assert command.examples
    for line in command.examples:
        typed = re.split(r" [|<>] ", re.sub(r"^\w+=\S+ ", "", line))[0]
        program, *words = shlex.split(typed)
        assert (program, words[: len(path.split())]) == ("triage", path.split())
        command.make_context(path, words[len(path.split()) :])


def test_the_examples_of_simulate_name_illnesses_that_are_there() -> None:
    command = ALL["simulate"]
    assert isinstance(command, Command)
    named = [word for line in command.examples for word in re.findall(r"simulate ([a-z_]+)", line)]
    assert named
    assert set(named) <= set(ILLNESSES)


def test_every_group_is_one_of_ours() -> None:
    assert [path for path, command in ALL.items() if not isinstance(command, Command | Group)] == []


def test_the_help_of_an_export_names_every_table(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    for language in LANGUAGES:
        monkeypatch.setenv("TRIAGE_LANG", language)
        main(["export", "--help"])
        printed = capsys.readouterr().out
        assert [table for table in TABLES if table not in printed] == []


# -- the catalogue


def _said() -> set[str]:
    """Every text that is given to gettext, Wording or joined, and the help of every option."""
    texts = {
        parameter.help
        for command in ALL.values()
        for parameter in command.get_params(click.Context(command))
        if isinstance(parameter, click.Option) and parameter.help
    }
    return texts | {text for _, _, text in CALLS if isinstance(text, str)} | _in_tables()


def _in_tables() -> set[str]:
    """The texts that commands take from tables: illnesses, and what a host or an nginx configuration may have."""
    found = set(SEVERITIES)
    for place in SEES_HOSTS:
        files = sorted((ROOT / "triage").glob(place))
        assert files
        for node in (
            node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        ):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in FINDINGS:
                found.add(node.value)
    meanings = [FINDINGS[id_] for id_ in found]
    told = {text for meaning in meanings for text in (meaning.says, meaning.next)}
    return {text for text in told if text and HAN.search(text)} | {
        each.meaning for each in ILLNESSES.values()
    }


SEES_HOSTS = (
    "doctor/*.py", "evidence/host/*.py", "evidence/reports.py", "evidence/network/counters.py",
    "evidence/network/sockets.py",
)  # fmt: skip
"""The modules that make the findings of `triage doctor`."""


def _calls() -> Iterator[tuple[str, int, object]]:
    """File, line, and text of each call that makes a text for both languages; what is no literal as it is written."""
    for file in (ROOT / "triage").rglob("*.py"):
        makers = {"Wording", "joined"} | ({"gettext"} if file.parent.name == "cli" else set())
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in makers:
                for text in _branches(node.args[0]):
                    literal = isinstance(text, ast.Constant) and isinstance(text.value, str)
                    told = text.value if literal and isinstance(text, ast.Constant) else text
                    yield file.relative_to(ROOT / "triage").as_posix(), node.lineno, told


def _branches(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.IfExp):
        yield from _branches(node.body)
        yield from _branches(node.orelse)
    else:
        yield node


CALLS = list(_calls())
TAKE_TEXTS = {
    "wording.py", "settings/wordings.py", "web/console/words.py", "cli/_language.py", "cli/_commands.py",
    "cli/nginx.py", "cli/simulate.py", "doctor/page.py",
}  # fmt: skip
"""They are given texts that stand elsewhere: templates, the help of options, the tables of `_in_tables`."""
CLICKS = {"[OPTIONS]", "COMMAND [ARGS]...", "Show the version and exit."}
"""click's own words for what a command line holds."""


CHINESE_NAMES = {"{name}（{meaning}）", "〔{id}〕{name}"}
"""In English a push and a source are called by what stands in the code: their names beside it are Chinese."""


def _has_words(template: str) -> bool:
    """Whether there is something to say in another language; a bare order of places is the same in both."""
    return any(map(str.isalpha, re.sub(r"\{\w+\}", "", template)))


def _needed(language: Language) -> set[str]:
    """What a catalogue in this language must hold."""
    said = {text for text in _said() if language_of(text) is not language}
    return {text for text in said if _has_words(text) or language_of(text) is Language.ZH}


def test_a_text_for_both_languages_stands_where_it_is_made() -> None:
    assert [
        (file, line) for file, line, text in CALLS if file not in TAKE_TEXTS and not isinstance(text, str)
    ] == []


@pytest.mark.parametrize("of", Language)
def test_the_catalogue_holds_what_is_said_and_no_more(of: Language) -> None:
    assert _needed(of) - set(catalogue(of)) == set()
    assert set(catalogue(of)) - _said() - CLICKS == set()


def test_there_is_help_for_every_command() -> None:
    assert set(COMMANDS) == set(ALL)


@pytest.mark.parametrize("of", Language)
def test_no_text_is_translated_twice(of: Language) -> None:
    lines = (ROOT / "templates/commands" / CATALOGUES[of]).read_text(encoding="utf-8").splitlines()
    keys = [line.partition('": "')[0] for line in lines if line.startswith('"')]
    assert len(keys) == len(set(keys)) == len(catalogue(of))


@pytest.mark.parametrize(
    ("of", "text"), [pytest.param(of, text, id=f"{of}-{text}") for of in Language for text in catalogue(of)]
)
def test_a_translation_has_the_same_places_for_values(of: Language, text: str) -> None:
    translated = catalogue(of)[text]
    if text not in CHINESE_NAMES:
        assert _places(translated) == _places(text)
    if of is Language.EN:
        assert not HAN.search(translated)
    elif len(text.split()) > 1:  # a single word may be a key of a file
        assert HAN.search(translated) or not _has_words(text)


def _places(text: str) -> set[tuple[str, str | None]]:
    try:
        return {(name, form) for _, name, form, _ in Formatter().parse(text) if name}
    except ValueError:  # a text without values, which is never formatted
        return set()


def test_a_value_is_put_in_its_place_in_either_language() -> None:
    try:
        for environment, expected in (({}, "cannot read a: b"), ({"TRIAGE_LANG": "zh"}, "读不了 a：b")):
            choose_language(environment)
            assert gettext("cannot read {file}: {why}", file="a", why="b") == expected
        assert gettext("a text that is in no catalogue") == "a text that is in no catalogue"
    finally:
        choose_language({})


# -- mistakes


@pytest.mark.parametrize(
    ("typed", "english", "chinese"),
    [
        ("prob", "there is no command 'prob'; did you mean 'probe'?", "没有命令 'prob'，是不是 'probe'？"),
        (
            "rules chekc",
            "there is no command 'chekc'; did you mean 'check'?",
            "没有命令 'chekc'，是不是 'check'？",
        ),
        ("xyz", "there is no command 'xyz'; --help lists them", "没有命令 'xyz'，--help 里有全部命令"),
        ("parse --jsn", "--json", "没有选项 --jsn，是不是 --json？"),
        ("probe", "URL", "还缺 URL"),
        ("ask --file", "--file", "选项 --file 后面缺一个值"),
        ("export mesages", "messages", "TABLE 的值不对：只能是 alerts、"),
        ("probe http://x/ --count 10001", "--count", "--count 的值不对：要一个 不小于 0、不大于 10000 的数"),
        ("simulate slow --seed x", "--seed", "--seed 的值不对：要一个数"),
        ("parse a b", "one argument too many: b", "多了一个参数：b"),
        ("parse /nowhere", "cannot read /nowhere", "读不了 /nowhere"),
        ("simulate slo", "did you mean 'slow'?", "是不是“slow”？"),
    ],
)
def test_a_mistake_is_told_in_one_language_with_a_guess(
    typed: str, english: str, chinese: str, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    for language, expected in (("en", english), ("zh", chinese)):
        monkeypatch.setenv("TRIAGE_LANG", language)
        assert main(typed.split()) == 2
        printed = capsys.readouterr()
        assert expected in printed.err
        assert printed.out == ""
        assert bool(HAN.search(printed.err)) == (language == "zh")


@pytest.mark.parametrize("words", [[], ["rules"], ["db"]])
def test_a_group_alone_shows_its_help(words: list[str], capsys: Printed) -> None:
    assert main(words) == 2
    assert "Commands:" in capsys.readouterr().err


# -- lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("查域名和耗、时", ["查域名和", "耗、时"], id="no punctuation begins a line"),
        pytest.param("默认 TRIAGE_HOST。", ["默认", "TRIAGE_HOST。"], id="a word is not broken"),
        pytest.param("读 a b", ["读 a b"], id="what fits is one line"),
    ],
)
def test_chinese_is_broken_by_columns(text: str, lines: list[str]) -> None:
    assert list(wrap(text, 10)) == lines


def test_there_are_two_languages() -> None:
    assert [*Language] == LANGUAGES
