"""`triage rules`: lint, test, list, show, start and explain rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import click

from triage.advice.adviser import Adviser
from triage.advice.examples import Coverage, run_examples
from triage.advice.query import Asked
from triage.advice.sources import Sources
from triage.cli._adviser import make_adviser, make_renderer
from triage.cli._commands import Group
from triage.cli._findings import findings_as_json, sarif, write_findings
from triage.cli._input import read_text
from triage.cli._language import gettext, in_language, title_of
from triage.cli._output import dump, write
from triage.cli._replay import command as replay
from triage.cli._rules_json import diagnosis_as_json, question_as_json, rule_as_json, rule_head_as_json
from triage.cli._store import open_store
from triage.errors import InputError
from triage.findings import Finding, Location, Severity
from triage.platform.pushes import AlertedPush
from triage.printing import one_line
from triage.rules.loader import find_rule_files, load_rules, load_valid_rules
from triage.rules.matching import UNKNOWN
from triage.rules.model import Change, Rule, RuleSet
from triage.rules.scaffold import write_scaffold
from triage.rules.schema import json_schema
from triage.settings.directories import data_directory, load_rules_dirs, load_sources
from triage.wording import Wording

_LONGEST_LINE = 100
"""Characters of a gap that are shown on its line."""


@click.group("rules", cls=Group)
def command() -> None:
    """Lint, test, list, show, start, explain and try rules."""


command.add_command(replay)


def _directories(given: tuple[str, ...]) -> list[Path]:
    """The bundled rules, those of the settings, and the given ones."""
    return [*load_rules_dirs(), *map(Path, given)]


def _about(findings: tuple[Finding, ...], given: tuple[str, ...]) -> list[Finding]:
    """The findings of the given directories, by whatever name their files were read; all of them if none was given."""
    if not given:
        return list(findings)
    own = {file.resolve() for path in given for file in find_rule_files(Path(path))}

    def is_own(file: Path) -> bool:
        return file.resolve() in own or any(map(file.is_relative_to, given))

    return [finding for finding in findings if finding.location and is_own(Path(finding.location.file))]


def _nothing_read(given: tuple[str, ...]) -> Iterator[Finding]:
    """What is named and holds no rule: a mistake in an argument, a hint for a directory of the settings."""
    named = given or map(str, load_rules_dirs()[1:])
    for path in named:
        if Path(path).exists() and not find_rule_files(Path(path)):
            severity = Severity.HIGH if given else Severity.INFO
            message = Wording("nothing of yours was read: no file here ends in .yml or .yaml")
            yield Finding("nothing-read", severity, message, Location(path, 1, 1))


_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SARIF = click.option(
    "--sarif", "as_sarif", is_flag=True, help="Print SARIF, which code hosts show in a review."
)


@command.command(
    examples=("triage rules check", "triage rules check --sarif /etc/triage/rules > rules.sarif")
)
@click.argument("directories", nargs=-1)
@_JSON
@_SARIF
def check(directories: tuple[str, ...], as_json: bool, as_sarif: bool) -> int:
    """Lint the rules in DIRECTORIES (default: all rules in use); each mistake with its line."""
    rules, findings = load_valid_rules(_directories(directories), load_sources().ids)
    shown = [*_about(findings, directories), *_nothing_read(directories)]
    faults = sum(finding.is_fault for finding in shown)
    if as_sarif:
        write(sarif(shown))
    elif as_json:
        write(dump({"rules": len(rules.rules), "findings": findings_as_json(shown)}))
    else:
        write_findings(shown)
        told = gettext(
            "{rules} rules, 1 mistake" if faults == 1 else "{rules} rules, {faults} mistakes",
            rules=len(rules.rules),
            faults=faults,
        )
        write(told, err=bool(faults))
    return 1 if faults else 0


@command.command(examples=("triage rules test", "triage rules test /etc/triage/rules"))
@click.argument("directories", nargs=-1)
@_JSON
@_SARIF
def test(directories: tuple[str, ...], as_json: bool, as_sarif: bool) -> int:
    """Run the examples of all rules against all rules, those in DIRECTORIES included."""
    rules = load_rules(_directories(directories), load_sources().ids)
    failed, coverage = run_examples(rules, Adviser(rules, make_renderer()))
    failed = tuple(_weighed(finding, rules) for finding in failed)
    findings = (*failed, *_nothing_read(directories))
    if as_sarif:
        write(sarif(findings))
    elif as_json:
        write(dump({**asdict(coverage), "findings": findings_as_json(findings)}))
    else:
        write_findings(findings)
        _write_coverage(coverage, sum(finding.is_fault for finding in failed))
    return 1 if any(finding.is_fault for finding in findings) else 0


def _weighed(finding: Finding, rules: RuleSet) -> Finding:
    """The failure of a bundled example as a hint where rules are changed: what it was written for has changed too."""
    bundled = data_directory("rules")
    if not rules.changes or not finding.location or not Path(finding.location.file).is_relative_to(bundled):
        return finding
    hint = Wording("as rules are changed at {place}; no mistake of yours", place=rules.changes[0].location)
    return replace(finding, severity=Severity.INFO, hint=hint)


def _write_coverage(coverage: Coverage, failed: int) -> None:
    write(
        gettext(
            "{examples} examples, {failed} failed; {shown} of {steps} steps shown, "
            "{both} of {conditions} conditions both true and false",
            examples=coverage.examples,
            failed=failed,
            shown=coverage.steps - len(coverage.unshown),
            steps=coverage.steps,
            both=coverage.conditions - len(coverage.one_sided),
            conditions=coverage.conditions,
        )
    )
    for name in coverage.unshown:
        write(gettext("  never shown: {name}", name=name))
    for name in coverage.one_sided:
        write(gettext("  one-sided: {name}", name=name))


@command.command(examples=("triage rules schema > rules.schema.json",))
def schema() -> None:
    """Print the rule format as a JSON Schema, by which editors complete and check a rule while it is written."""
    write(dump(json_schema(load_sources().ids)))


@command.command("list", examples=("triage rules list", "triage rules list --json"))
@_JSON
def list_rules(as_json: bool) -> None:
    """List the rules in use."""
    loaded = load_rules(_directories(()), load_sources().ids)
    rules = sorted(loaded.rules, key=lambda item: (item.number or 99, not item.names_kind, item.id))
    if as_json:
        write(dump([rule_head_as_json(rule, loaded) for rule in rules]))
        return
    for rule in rules:
        number = str(rule.number) if rule.number else ""
        steps = gettext("{count:>2} steps", count=len(rule.steps))
        write(f"{number:>2}  {rule.id:<28} {rule.severity:<9} {steps}  {title_of(rule)}")
    for change in loaded.changes:
        write(_told(change))


def _told(change: Change) -> str:
    told = {"target": change.target, "place": change.location}
    if change.is_off:
        return gettext("    {target} is off, by {place}", **told)
    return gettext("    {target} has its own {keys}, by {place}", keys=", ".join(change.keys), **told)


@command.command(examples=("triage rules show request_timeout", "triage rules show --json request_timeout"))
@click.argument("rule_id", metavar="ID")
@_JSON
def show(rule_id: str, as_json: bool) -> None:
    """Show one rule with its steps, conditions and sources."""
    sources = load_sources()
    rules = load_rules(_directories(()), sources.ids)
    rule = rules.get(rule_id)
    if rule is None and (off := rules.changes_of(rule_id)):
        raise InputError(gettext("rule '{id}' is switched off at {place}", id=rule_id, place=off[0].location))
    if rule is None:
        raise InputError(gettext("there is no rule '{id}'; see: triage rules list", id=rule_id))
    if as_json:
        write(dump(rule_as_json(rule, rules)))
        return
    write("\n".join([*_described(rule, sources), *map(_told, rules.changes_of(rule.id))]))


def _described(rule: Rule, sources: Sources) -> list[str]:
    lines = [f"{rule.id} · {rule.title}" + (f" ({rule.title_en})" if rule.title_en else ""), rule.meaning]
    lines += [gettext("  sentence: {sentence}", sentence=sentence) for sentence in rule.sentences]
    if rule.aliases:
        lines.append(gettext("  asked as: {aliases}", aliases=", ".join(rule.aliases)))
    if rule.push is not AlertedPush.MESSAGE:
        lines.append(gettext("  about: {push}", push=rule.push.value))
    for number, step in enumerate(rule.steps, start=1):
        lines.append(f"{number:>2} [{step.id}] {step.do.source}")
        details = {
            "when": " and ".join(map(str, step.when.tests)) or "any/not" if step.when else None,
            "run": step.run.source if step.run else None,
            "healthy": step.healthy.source if step.healthy else None,
            "erratum": step.erratum,
            "check": step.check,
            "source": " ".join(map(sources.label, step.source)),
        }
        lines += [f"     {name}: {value}" for name, value in details.items() if value]
    lines.append(gettext("from {place}", place=rule.location))
    return lines


@command.command(examples=("triage rules why alert.txt", "triage rules why --json < alert.txt"))
@click.argument("file", required=False)
@_JSON
def why(file: str | None, as_json: bool) -> int:
    """Explain which rules match the alert or question in FILE or standard input, and why the others do not."""
    adviser, text = make_adviser(), read_text(file)
    _, diagnoses = adviser.diagnose(text)
    if as_json:
        asked = adviser.ask(text) if not diagnoses else Asked()
        alerts = [diagnosis_as_json(diagnosis, adviser) for diagnosis in diagnoses]
        write(dump({"alerts": alerts, "question": None if diagnoses else question_as_json(asked)}))
        return int(not (diagnoses or asked.candidates))
    if not diagnoses:
        return _explain_question(adviser, text)
    for diagnosis in diagnoses:
        for match in diagnosis.matches:
            write(gettext("{rule} matches:", rule=match.rule.id))
            for item in match.because:
                at = f"{item.span[0]}–{item.span[1]}" if item.span else ""
                write(f"    {item.test}" + (gettext(" at {place}", place=at) if at else ""))
        for cause in diagnosis.causes:
            place = f"{cause.field}[{cause.span[0]}:{cause.span[1]}]"
            write(gettext("cause {id}: {place} {meaning}", id=cause.id, place=place, meaning=cause.meaning))
        write(gettext("others:"))
        for rule_id, reason in adviser.why_not(diagnosis):
            write(f"    {rule_id:<28} {in_language(reason)}")
    return 0


def _explain_question(adviser: Adviser, text: str) -> int:
    asked = adviser.ask(text)
    for candidate in asked.candidates:
        template = (
            Wording("{rule} is asked for, {points:g} points:", rule=candidate.rule.id, points=candidate.score)
            if asked.is_clear
            else Wording(
                "{rule} may be asked for, {points:g} points:", rule=candidate.rule.id, points=candidate.score
            )
        )
        write(template)
        for reason in candidate.because:
            write(f"    {in_language(reason)}")
    for name, value in asked.facts.items():
        write(gettext("fact {name}: {value}", name=name, value=value))
    if not asked.candidates:
        write(gettext("no alert and no question in this text"))
        write(gettext("nearest: {ids}", ids=", ".join(adviser.nearest(text))))
    return int(not asked.candidates)


@command.command(examples=("triage rules gaps",))
@click.option("--json", "as_json", is_flag=True, help="Print the gaps as JSON.")
def gaps(as_json: bool) -> None:
    """List what found no rule: questions without an answer, offers that nobody took, alerts without a name.

    The most frequent come first, each with the topics nearest to it, so that it can become an alias or an example.
    """
    adviser, store = make_adviser(), open_store()
    try:
        texts = [str(row["text"]) for row in store.export("gaps")]
    finally:
        store.close()
    found = [
        {"count": count, "text": text, "nearest": list(adviser.nearest(text))}
        for text, count in Counter(texts).most_common()
    ]
    if as_json:
        write(dump(found))
        return
    for gap in found:
        write(f"{gap['count']:>5}  {one_line(str(gap['text']))[:_LONGEST_LINE]}")
        write(f"       {gettext('nearest: {ids}', ids=', '.join(adviser.nearest(str(gap['text']))))}")
    if not found:
        write(gettext("no gap: every alert and every question found a rule"))


@command.command(examples=("triage rules new alert.txt > own.yml",))
@click.argument("file", required=False)
def new(file: str | None) -> None:
    """Print the beginning of a rule for the alert in FILE or standard input."""
    adviser = make_adviser()
    _, diagnoses = adviser.diagnose(read_text(file))
    if not diagnoses:
        raise InputError(gettext("there is no alert in this text to start a rule from"))
    first = diagnoses[0]
    if first.kind != UNKNOWN:
        told = gettext(
            "# this alert is known as '{kind}'; a rule of your own adds steps to it", kind=first.kind
        )
        write(told, err=True)
    write(write_scaffold(first.alert, first.kind))
