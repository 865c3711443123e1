"""Rule files: every mistake is one finding at its place, surprises of YAML stay text, hostile files are refused."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.paths import DATA, ROOT
from tests.support.rules import PLAIN, SAMPLE, SOURCES
from triage.errors import RulesError
from triage.findings import Finding
from triage.rules.loader import load_rules, load_valid_rules
from triage.rules.parser import parse_rules
from triage.rules.strict_yaml import MAX_BYTES, MAX_DEPTH

BROKEN = sorted((DATA / "broken_rules").glob("*.yml"))
SOURCE = ROOT / "triage/rules"


def _missing(directory: Path) -> Path:
    return directory / "nowhere"


def _too_large(directory: Path) -> Path:
    return _file(directory, (PLAIN + "#" * 2 * MAX_BYTES).encode())


def _not_utf8(directory: Path) -> Path:
    return _file(directory, PLAIN.encode("gb18030"))


def _half_a_pair(directory: Path) -> Path:
    return _file(directory, PLAIN.replace("样例", '"\\ud83d"', 1).encode())


def _same_id_in_two_files(directory: Path) -> Path:
    for name in ("a.yml", "b.yaml"):
        (directory / name).write_text(PLAIN, encoding="utf-8")
    return directory


def _same_code_in_two_tables(directory: Path) -> Path:
    table = (
        "family: http_code\ntitle: 状态码\ntopic: sample\nsource: field\ncodes:\n  '405': {meaning: 一句话}\n"
    )
    for name, text in (("a.yml", PLAIN), ("b.yml", table), ("c.yml", table)):
        (directory / name).write_text(text, encoding="utf-8")
    return directory


def _changes(text: str) -> Callable[[Path], Path]:
    def build(directory: Path) -> Path:
        (directory / "a.yml").write_text(PLAIN, encoding="utf-8")
        (directory / "b.yml").write_text(text, encoding="utf-8")
        return directory

    return build


def _link_to_many_files(directory: Path) -> Path:
    (disk := directory / "disk").mkdir()
    (own := directory / "own").mkdir()
    for number in range(20_000):
        (disk / str(number)).touch()
    (own / "link").symlink_to(disk)
    return own


def _pipe(directory: Path) -> Path:
    os.mkfifo(directory / "rule.yml")
    return directory


def _endless_device(directory: Path) -> Path:
    (directory / "rule.yml").symlink_to("/dev/zero")
    return directory


def _dangling_link(directory: Path) -> Path:
    (directory / "rule.yml").symlink_to("nowhere")
    return directory


def _sparse(directory: Path) -> Path:
    with (directory / "rule.yml").open("wb") as file:
        file.truncate(2 << 30)
    return directory


def _file(directory: Path, content: bytes) -> Path:
    path = directory / "rule.yml"
    path.write_bytes(content)
    return path


GENERATED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a directory that is not there": (_missing, "nowhere:1:1: no such rules directory or file"),
    "a file of 2 MB": (_too_large, "rule.yml:1:1: the file is larger than 1,000,000 bytes; split it"),
    "a file that is not UTF-8": (_not_utf8, "rule.yml:1:1: not UTF-8: byte 18 is 0xd1"),
    "half of a surrogate pair": (
        _half_a_pair,
        (
            "rule.yml:2:11: not YAML: found invalid Unicode character escape code; "
            "a backslash begins an escape in double quotes; use single quotes"
        ),
    ),
    "one code in two tables": (
        _same_code_in_two_tables,
        "c.yml:6:3: http_code 405 is explained already at b.yml:6:3",
    ),
    "a link to the whole disk": (
        _link_to_many_files,
        "own:1:1: more than 20,000 files and directories; name the directory that holds the rules alone",
    ),
    "a pipe": (_pipe, "rule.yml:1:1: no file but a pipe or a device"),
    "a device without an end": (_endless_device, "rule.yml:1:1: no file but a pipe or a device"),
    "a link that leads nowhere": (_dangling_link, "rule.yml:1:1: cannot be read: No such file or directory"),
    "a file of 2 GB": (_sparse, "rule.yml:1:1: the file is larger than 1,000,000 bytes; split it"),
    "a change of a step that is not there": (
        _changes("override:\n  sample/fist: {do: 看别的}\n"),
        "b.yml:2:3: rule 'sample' has no step 'fist'; did you mean 'first'?",
    ),
    "a rule that is off is changed too": (
        _changes("off: sample\noverride:\n  sample: {owner: 开发}\n"),
        "b.yml:3:3: 'sample' is changed already at b.yml:1:6; change it in one place",
    ),
    "a step of a rule that is off is changed too": (
        _changes("override:\n  sample/first: {do: 看别的}\noff: [sample]\n"),
        "b.yml:2:3: the steps of 'sample' are replaced or off at b.yml:3:7; change them in one place",
    ),
    "a step is changed although all steps are replaced": (
        _changes(
            "off: [sample/first]\noverride:\n  sample: {steps: [{id: first, do: 看别的, source: field}]}\n"
        ),
        "b.yml:1:7: the steps of 'sample' are replaced or off at b.yml:3:3; change them in one place",
    ),
    "a rule without a step left": (
        _changes("off: [sample/first]\n"),
        "b.yml:1:7: rule 'sample' is left without a step; switch it off whole",
    ),
    "one id in two files": (_same_id_in_two_files, "b.yaml:1:5: rule id 'sample' is taken by a.yml:1:1"),
}


NINETY_THOUSAND = 90_000
MANY: dict[str, tuple[Callable[[Path], Path], str]] = {
    "ninety thousand unknown keys": (
        lambda directory: _file(
            directory, (PLAIN + "".join(f"k{n}: v\n" for n in range(NINETY_THOUSAND))).encode()
        ),
        "rule.yml:112:1: 100 mistakes in this file so far; the rest of it was not read",
    ),
    "ninety thousand rules that are not there": (
        lambda directory: _file(
            directory, (PLAIN + f"see: [{', '.join(['nobody'] * NINETY_THOUSAND)}]").encode()
        ),
        "rule.yml:13:6: 100 mistakes between files so far; there are more",
    ),
}


def _lines(findings: tuple[Finding, ...], directory: Path) -> list[str]:
    return [str(finding).replace(f"{directory}/", "") for finding in findings]


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_mistake_is_one_finding_at_its_line_and_column(path: Path) -> None:
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ")
    _, findings = load_valid_rules([path], SOURCES)
    assert _lines(findings, path.parent) == [f"{path.name}:{expected}"]


@pytest.mark.parametrize(("build", "expected"), GENERATED.values(), ids=GENERATED)
def test_a_file_that_cannot_be_read_is_one_finding(
    build: Callable[[Path], Path], expected: str, tmp_path: Path
) -> None:
    _, findings = load_valid_rules([build(tmp_path)], SOURCES)
    assert _lines(findings, tmp_path) == [expected]


@pytest.mark.parametrize(("build", "last"), MANY.values(), ids=MANY)
def test_of_very_many_mistakes_a_hundred_are_listed(
    build: Callable[[Path], Path], last: str, tmp_path: Path
) -> None:
    _, findings = load_valid_rules([build(tmp_path)], SOURCES)
    assert len(findings) == 101
    assert _lines(findings, tmp_path)[-1] == last


def _reported_ids() -> Iterator[str]:
    """The literal finding ids of the modules that read rules."""
    positions = {"report_at": 2, "report": 1, "Finding": 0, "_finding": 1}
    for name in ("strict_yaml", "conditions", "codes", "lexicon", "parser", "changes", "joining", "loader"):
        for node in ast.walk(ast.parse((SOURCE / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func).rpartition(".")[2]
                argument = node.args[positions[called]] if called in positions else None
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


def test_every_finding_the_code_can_report_has_a_case(tmp_path: Path) -> None:
    fired = {finding.id for path in BROKEN for finding in load_valid_rules([path], SOURCES)[1]}
    for number, (build, _) in enumerate([*GENERATED.values(), *MANY.values()]):
        directory = tmp_path / str(number)
        directory.mkdir()
        fired |= {finding.id for finding in load_valid_rules([build(directory)], SOURCES)[1]}
    reported = set(_reported_ids())
    assert len(reported) > 30
    assert fired == reported


def test_several_mistakes_of_a_file_are_reported_together() -> None:
    _, findings = parse_rules(
        PLAIN.replace("high", "hihg").replace("id: first", "id: 1st") + "number: 100\n", "x.yml"
    )
    assert [finding.id for finding in findings] == ["bad-severity", "bad-id", "bad-number"]


def test_only_an_equality_names_a_kind_or_a_cause(tmp_path: Path) -> None:
    condition = "when: {kind|contains: timeout, cause|exists: yes, cause|startswith: curl, text: curl}\n"
    assert load_valid_rules([_file(tmp_path, (PLAIN + condition).encode())], SOURCES)[1] == ()


def test_the_unknown_kind_is_one_where_another_file_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(PLAIN + "when: {kind: [unknown, other]}\n", encoding="utf-8")
    assert [str(item) for item in load_valid_rules([tmp_path], SOURCES)[1]] == [
        f"{tmp_path}/a.yml:13:24: there is no kind 'other'; a kind is the id of a rule: triage rules list"
    ]
    (tmp_path / "b.yml").write_text(SAMPLE.format(id="other", title="另一条"), encoding="utf-8")
    assert load_valid_rules([tmp_path], SOURCES)[1] == ()


def test_a_code_cites_what_is_there(tmp_path: Path) -> None:
    table = "family: http_code\ntitle: 状态码\ntopic: sample\nsource: [field, R1]\n"
    row = "codes:\n  '405': {meaning: 一句话, source: [R1, R99]}\n"
    (tmp_path / "a.yml").write_text(PLAIN, encoding="utf-8")
    (tmp_path / "b.yml").write_text(table + row, encoding="utf-8")
    _, findings = load_valid_rules([tmp_path], SOURCES)
    assert [str(item) for item in findings] == [
        f"{tmp_path}/b.yml:6:38: there is no source 'R99'; did you mean 'R9'?"
    ]


def test_rules_beside_a_broken_one_are_still_read() -> None:
    parts = [SAMPLE.format(id=id_, title="样例") for id_ in ("one", "Two", "three")]
    pack = "rules:\n" + "".join("  - " + part.replace("\n", "\n    ").rstrip() + "\n" for part in parts)
    rules, findings = parse_rules(pack, "pack.yml")
    assert [rule.id for rule in rules] == ["one", "three"]
    assert [finding.id for finding in findings] == ["bad-id"]


def test_load_raises_with_every_mistake(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"rule\.yml:2:8: this must not be empty"):
        load_rules([_file(tmp_path, SAMPLE.format(id="sample", title="''").encode())], SOURCES)


# -- YAML's surprises

SURPRISES = {
    "no is not false": "no",
    "off is not false": "off",
    "a leading zero is not octal": "040001",
    "minutes and seconds are not base 60": "12:30",
    "a hexadecimal number stays as written": "0x1F",
    "a tilde is not null": "~",
    "null is not null": "null",
    "an exponent stays as written": "1e3",
    "a date stays as written": "2024-04-21",
    "a merge key is a word": "<<",
    "an equals sign is a word": "=",
    "not a number stays as written": ".nan",
    "a full-width colon separates nothing": "严重：高",
}


@pytest.mark.parametrize("text", SURPRISES.values(), ids=SURPRISES)
def test_a_scalar_is_the_text_it_looks_like(text: str) -> None:
    rules, findings = parse_rules(SAMPLE.format(id="sample", title=text), "x.yml")
    assert findings == ()
    assert rules[0].title == text


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(tmp_path: Path) -> None:
    rules, findings = load_valid_rules(
        [_file(tmp_path, PLAIN.replace("\n", "\r\n").encode("utf-8-sig"))], SOURCES
    )
    assert findings == ()
    assert rules.rules[0].title == "样例"


# -- hostile files

_BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE = {
    "200,000 nested lists": "[" * 200_000,
    "200,000 nested mappings": "{a: " * 200_000,
    "a chain of dashes": "- " * 200_000,
    "a chain of question marks": "? " * 200_000,
    "nesting by indentation": "".join(" " * depth + "a:\n" for depth in range(1_000)),
    "nesting behind closing brackets in a text": "a: '" + "]" * 200_000 + "'\nb: " + "[" * 200_000,
    "nesting with closing brackets in texts between": "a: " + "[']', " * 100_000,
    "nesting behind a comment": "# " + "]" * 200_000 + "\nb: " + "[" * 200_000,
    "an alias bomb": _BOMB,
    "an alias bomb without spaces": '{"a":&a [1],"b":[*a,*a]}',
    "an alias to itself": "a: &a [*a]",
    "a tag that runs code": "a: !!python/object/apply:os.system [id]",
    "a tag handle": "%TAG ! tag:example.org,2000:\n---\na: !x y",
    "a megabyte of brackets": "[]" * 499_000,
    "a long key": "a" * 900_000 + ": b",
    "a null character": "a: \0",
    "a lone surrogate": "a: \ud800",
    "nothing but a BOM": "\ufeff",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_short_lines(source: str) -> None:
    rules, findings = parse_rules(source, "x.yml")
    assert rules == ()
    assert findings
    assert all(len(str(finding)) < 600 and str(finding).isprintable() for finding in findings)


def test_as_many_levels_as_are_allowed_are_read() -> None:
    depth = MAX_DEPTH - 2
    condition = "{not: " * depth + "{count: 3}" + "}" * depth
    rules, findings = parse_rules(PLAIN + f"when: {condition}\n", "x.yml")
    assert findings == ()
    assert rules[0].when is not None
    assert rules[0].when.size == 1
