"""Templates of rules: what is refused on loading, what is printed, and that no fact breaks out of its quotes."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.alerts.facts import FACTS, Fact
from triage.rules.templates import Template, check

NESTED = "{% for a in cause %}{% if a %}{% for b in cause %}x{% endfor %}{% endif %}{% endfor %}"
REFUSED = {
    "a loop right inside a loop": "{% for a in cause %}{% for b in cause %}x{% endfor %}{% endfor %}",
    "a method call": "{{ ip.upper() }}",
    "a call of a fact": "{{ ip() }}",
    "a call of range": "{% for i in range(999999999) %}x{% endfor %}",
    "a call of range in a print": "{{ range(9) }}",
    "lipsum": "{{ lipsum(n=99999) }}",
    "lipsum's globals": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "cycler": "{{ cycler('a', 'b') }}",
    "cycler's globals": "{{ cycler.__init__.__globals__.os }}",
    "joiner": "{{ joiner() }}",
    "namespace": "{% set ns = namespace(x=1) %}{{ ns.x }}",
    "dict": "{{ dict(a=1) }}",
    "the name of a built-in": "{{ range }}",
    "self": "{{ self }}",
    "the loop variable": "{% for c in cause %}{{ loop.index }}{% endfor %}",
    "the loop itself": "{% for c in cause %}{{ loop }}{% endfor %}",
    "an attribute": "{{ ip.__class__ }}",
    "the class tree": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "an attribute by filter": "{{ ip|attr('__class__') }}",
    "a subscript": "{{ cause[0] }}",
    "a slice": "{{ text[:99] }}",
    "addition": "{{ count + 1 }}",
    "multiplication": "{{ 'a' * 1000000000 }}",
    "power": "{{ 10 ** 10 ** 10 }}",
    "division by zero": "{{ 1 / 0 }}",
    "remainder": "{{ count % 0 }}",
    "the format operator": "{{ '%999999999d' % count }}",
    "the format filter": "{{ '%999999999d'|format(count) }}",
    "the format method": "{{ '{0.__class__}'.format(ip) }}",
    "joining texts": "{{ ip ~ ip }}",
    "a minus sign": "{{ -count }}",
    "a list": "{{ [1, 2] }}",
    "a tuple": "{{ ip, host }}",
    "a mapping": "{{ {'a': 1} }}",
    "center": "{{ ip|center(999999999) }}",
    "indent": "{{ ip|indent(999999999) }}",
    "batch": "{{ cause|batch(9)|list }}",
    "map": "{{ cause|map('upper')|join }}",
    "map with an attribute": "{{ cause|map(attribute='__class__')|join }}",
    "join with an attribute": "{{ cause|join(attribute='__class__') }}",
    "join with an attribute by place": "{{ cause|join('x', '__class__') }}",
    "join with a fact": "{{ cause|join(text) }}",
    "safe": "{{ ip|safe }}",
    "tojson": "{{ cause|tojson }}",
    "pprint": "{{ ip|pprint }}",
    "replace": "{{ text|replace('', 'aaaaaaaaaaaaaaaa') }}",
    "spread arguments": "{{ cause|join(*cause) }}",
    "a macro": "{% macro m() %}x{% endmacro %}{{ m() }}",
    "import": "{% import 'x' as x %}",
    "from import": "{% from 'x' import y %}",
    "include": "{% include '/etc/passwd' %}",
    "extends": "{% extends 'x' %}",
    "a block": "{% block b %}{% endblock %}",
    "a call block": "{% call m() %}{% endcall %}",
    "a filter block": "{% filter upper %}x{% endfilter %}",
    "set": "{% set ip = 1 %}",
    "a set block": "{% set ip %}x{% endset %}",
    "with": "{% with x = 1 %}{{ x }}{% endwith %}",
    "do": "{% do ip %}",
    "autoescape": "{% autoescape true %}{{ ip }}{% endautoescape %}",
    "a nested loop": NESTED,
    "a nested loop inside an if": "{% if ip %}" + NESTED + "{% endif %}",
    "a nested loop in an else": "{% if ip %}{% else %}" + NESTED + "{% endif %}",
    "a recursive loop": "{% for a in cause recursive %}x{% endfor %}",
    "a loop with two names": "{% for a, b in cause %}x{% endfor %}",
    "a loop over a text": "{% for a in text %}x{% endfor %}",
    "a loop over a literal": "{% for a in 'abc' %}x{% endfor %}",
    "a loop variable behind its loop": "{% for a in cause %}{% endfor %}{{ a }}",
    "an unknown test": "{{ ip is mapping }}",
    "a test with an argument": "{{ ip is defined(1) }}",
    "divisible by zero": "{{ count is divisibleby(0) }}",
    "a text by size": "{% if ip > 3 %}x{% endif %}",
    "a number against a text": "{% if count > 'a' %}x{% endif %}",
    "membership in a number": "{% if '1' in count %}x{% endif %}",
    "a number in a text": "{% if 1 in text %}x{% endif %}",
    "the length of a number": "{{ count|length }}",
    "the first of a number": "{{ count|first }}",
    "an unknown fact": "{{ password }}",
    "an unknown fact in a condition": "{% if password %}x{% endif %}",
    "an open print": "{{ ip",
    "an open statement": "{% if ip",
    "an open comment": "{# ip",
    "an if without an end": "{% if ip %}x",
    "a long literal": "{{ '" + "a" * 4_000 + "' }}",
    "a huge number": "{{ " + "9" * 4_000 + " }}",
    "a tower of brackets": "{{ " + "(" * 900 + "ip" + ")" * 900 + " }}",
    "a tower of nots": "{{ " + "not " * 900 + "ip }}",
    "a tower of ifs": "{% if ip %}" * 100 + "{% endif %}" * 100,
    "a long chain of ors": "{{ " + "ip or " * 500 + "ip }}",
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_a_template_that_could_do_harm_is_refused(source: str) -> None:
    assert list(check(source))
    assert list(check(source, command=True))


QUOTES = {
    "single quotes": "curl '{{ url }}'",
    "double quotes": 'curl "{{ url }}"',
    "double quotes with a single one inside": """echo "it's {{ url }}" """,
    "quotes around an if": "echo '{% if url %}{{ url }}{% endif %}'",
    "a quote opened in a branch": "echo {% if url %}'{% endif %}{{ url }}'",
    "a quote left open by a loop": "echo {% for c in cause %}{{ c }} '{% endfor %}",
    "a backslash before the quotes": "echo \\{{ url }}",
    "a backslash inside double quotes": 'echo "\\\\"\\{{ url }}',
    "a here-document": "cat <<EOF\n{{ url }}\nEOF",
    "a quote that is never closed": "echo {{ url }} it's",
}


@pytest.mark.parametrize("source", QUOTES.values(), ids=QUOTES)
def test_a_command_may_not_print_where_its_quotes_do_not_hold(source: str) -> None:
    assert len(list(check(source, command=True))) == 1
    assert not list(check(source))


ALLOWED = {
    "plain text": ("看日志", "看日志"),
    "a fact": ("连 {{ ip }}", "连 203.0.113.9"),
    "a fact without spaces": ("连 {{ip}}", "连 203.0.113.9"),
    "a number": ("{{ count }} 次", "1272 次"),
    "a list": ("{{ cause }}", "provider_side、receipt_flood"),
    "a joined list": ("{{ cause|join('+') }}", "provider_side+receipt_flood"),
    "a loop": ("{% for c in cause %}[{{ c }}]{% endfor %}", "[provider_side][receipt_flood]"),
    "two loops in a row": ("{% for c in cause %}a{% endfor %}{% for c in cause %}b{% endfor %}", "aabb"),
    "a condition": ("{% if ip %}是{% else %}否{% endif %}", "是"),
    "a comparison": ("{% if count >= 1000 and kind == 'dns' %}是{% else %}否{% endif %}", "否"),
    "a word in a text": ("{% if '超时' in description %}是{% endif %}", "是"),
    "an expression with if": ("{{ ip if count > 3 else host }}", "203.0.113.9"),
    "a default that is not needed": ("{{ ip|default('x') }}", "203.0.113.9"),
    "filters in a row": ("{{ description|trim|upper|length }}", "4"),
    "the ends of a list": ("{{ cause|first }} {{ cause|last }}", "provider_side receipt_flood"),
    "raw braces": ("{% raw %}{{ ip }}{% endraw %}", "{{ ip }}"),
    "braces of awk": ("awk '{print $1}' access.log", "awk '{print $1}' access.log"),
    "a comment": ("看{# 内部 #}日志", "看日志"),
}
KNOWN: dict[str, Fact] = {
    "ip": "203.0.113.9",
    "count": 1272,
    "cause": ("provider_side", "receipt_flood"),
    "kind": "request_timeout",
    "description": "连接超时",
}


@pytest.mark.parametrize(("source", "text"), ALLOWED.values(), ids=ALLOWED)
def test_a_template_prints_what_is_known(source: str, text: str) -> None:
    assert not list(check(source))
    assert Template(source).render(KNOWN) == text


MISSING = {
    "a placeholder": ("连 {{ ip }}", "连 服务器IP"),
    "a placeholder beside a statement": ("{% if host %}{% endif %}{{ ip }}", "服务器IP"),
    "false in a condition": ("{% if ip %}是{% else %}否{% endif %}", "否"),
    "false beside not": ("{% if not ip %}否{% endif %}", "否"),
    "no longer than nothing": ("{{ ip|length }}", "0"),
    "not greater than a number": ("{% if count > 0 %}是{% else %}否{% endif %}", "否"),
    "not smaller than a number": ("{% if 9 > count %}是{% else %}否{% endif %}", "否"),
    "not equal to its own placeholder": ("{% if ip == '服务器IP' %}是{% else %}否{% endif %}", "否"),
    "holding no part of its placeholder": ("{% if '服务' in ip %}是{% else %}否{% endif %}", "否"),
    "nothing to loop over": ("{% for c in cause %}{{ c }}{% else %}无{% endfor %}", "无"),
    "nothing to join": ("原因{{ cause|join('+') }}", "原因"),
    "no first": ("原因{{ cause|first }}", "原因"),
    "no last": ("原因{{ cause|last }}", "原因"),
    "a default": ("{{ port|default('8080') }}", "8080"),
    "not defined": ("{{ '是' if ip is defined else '否' }}", "否"),
    "undefined": ("{{ '是' if ip is undefined else '否' }}", "是"),
    "an expression without else": ("无{{ ip if ip }}", "无"),
}


@pytest.mark.parametrize(("source", "text"), MISSING.values(), ids=MISSING)
def test_a_missing_fact_is_like_nothing_and_prints_a_word(source: str, text: str) -> None:
    assert not list(check(source))
    assert Template(source).render({}) == text


def test_the_names_are_those_that_are_printed_or_asked_for() -> None:
    assert Template("{{ ip }} {{ host }}").names == {"ip", "host"}
    assert Template("{% if ip %}{{ host }}{% endif %}").names == {"ip", "host"}


# -- the shell

HOSTILE = {
    "a quote and a command": "a'; rm -rf ~; '",
    "a command substitution": "$(touch pwned)",
    "backticks": "`touch pwned`",
    "a variable": "$HOME",
    "a double quote": '"; id; "',
    "a backslash at the end": "a\\",
    "a pipe": "a | id",
    "a redirection": "> /tmp/pwned",
    "an ampersand": "a & id",
    "a hash": "# a",
    "a star": "*",
    "a tilde": "~root",
    "a brace": "{a,b}",
    "an exclamation mark": "!!",
    "a tab in the middle": "a;id",
    "Chinese": "样例；分号",
    "an emoji": "😀'😀",
    "nothing": "",
}
COMMANDS = {
    "a plain print": "printf %s {{ path }}",
    "a print with statements": "printf %s {% if path %}{{ path }}{% else %}{{ path|trim }}{% endif %}",
    "a print behind closed quotes": "printf '%s' {{ path }}",
    "a loop": "{% for c in cause %}printf %s {{ c }}{% endfor %}",
}


def _shell(command: str) -> str:
    return subprocess.run(["sh", "-c", command], capture_output=True, check=True, text=True, env={}).stdout


@pytest.mark.parametrize("source", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_shell_takes_a_printed_fact_as_one_word(value: str, source: str) -> None:
    assert not list(check(source, command=True))
    command = Template(source, command=True).render({"path": value, "cause": (value,)})
    assert _shell(command) == value


@pytest.mark.parametrize("value", ["a\nid", "a\r\nid", "a\u2028id", "a\x1b[2Jid", "a\0id"])
def test_a_command_stays_one_line_of_printable_characters(value: str) -> None:
    command = Template("printf %s {{ path }}", command=True).render({"path": value})
    assert command.isprintable()
    assert _shell(command).replace("[2J", "") == "aid"


@given(st.text(max_size=40), st.sampled_from(list(COMMANDS.values())))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_whatever_a_fact_holds_a_shell_reads_it_back(value: str, source: str) -> None:
    value = "".join(char for char in value if char.isprintable())
    command = Template(source, command=True).render({"path": value, "cause": (value,)})
    assert _shell(command) == value


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_prints_in_a_command_known_or_not(name: str) -> None:
    source = "echo {{ " + name + " }}"
    assert not list(check(source, command=True))
    assert Template(source, command=True).render({}) == f"echo {FACTS[name].placeholder}"
