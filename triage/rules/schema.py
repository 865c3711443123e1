"""The rule format as a JSON Schema for editors, made from the tables that the reader goes by.

It knows the shape of a file; templates, and what only shows between values or files, are left to `triage rules check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from triage.alerts.causes import CAUSES
from triage.alerts.facts import FACTS, FactType
from triage.rules.codes import CODE_KEYS, CODE_TABLE_KEY
from triage.rules.conditions import OPERATORS_FOR
from triage.rules.lexicon import LEXICON_KEY, LEXICON_KEYS
from triage.rules.parser import ENTRY_KEYS, KEYS, NEEDED_BY
from triage.rules.strict_yaml import TEXT, Key, Schema, one_or_more, ref, word_of


def json_schema(sources: Iterable[str]) -> Schema:
    """The schema of a rule file, draft 7; `sources` are the ids that may be cited."""
    tables = {**KEYS, "code": CODE_KEYS["code"], "lexicon": LEXICON_KEYS["lexicon"]}
    definitions = {name: _object(table) for name, table in tables.items()}
    definitions["rule"] |= _RULE_NEEDS
    definitions["rule_override"]["minProperties"] = definitions["step_override"]["minProperties"] = 1
    definitions["example"] |= {"oneOf": [_has("alert"), _has("query")]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "rules of triage",
        **_file(),
        "definitions": {
            **definitions,
            **_VALUES,
            "condition": _condition(),
            "sources": one_or_more(word_of(_as_scalars(sources))),
        },
    }


def _file() -> Schema:
    """One schema for each kind of file, told apart by a key as the reader does; a single rule has no such key."""
    kinds: list[tuple[tuple[str, ...], Schema]] = [
        ((CODE_TABLE_KEY,), _object(CODE_KEYS["table of codes"])),
        ((LEXICON_KEY,), _object(LEXICON_KEYS["file"])),
        (("off", "override"), ref("changes")),
        (("rules",), ref("pack")),
    ]
    schema: Schema = {**_object({**KEYS["head"], **KEYS["rule"]}), **_RULE_NEEDS}
    for keys, kind in reversed(kinds):
        schema = {"if": {"anyOf": [_has(key) for key in keys]}, "then": kind, "else": schema}
    return {"type": "object", **schema}


def _object(table: Mapping[str, Key]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {name: key.shape.schema for name, key in table.items()},
        "required": [name for name, key in table.items() if key.needed],
        "additionalProperties": False,
    }


def _has(key: str) -> Schema:
    return {"required": [key]}


_RULE_NEEDS: Schema = {
    "anyOf": [_has(key) for key in sorted(ENTRY_KEYS)],
    "dependencies": {key: [needed] for key, needed in NEEDED_BY.items()},
}


def _condition() -> Schema:
    """Each fact with each operator that fits its type, and the conditions under `any` and `not`."""
    nested = ref("condition")
    properties: dict[str, Schema] = {
        "any": {"type": "array", "minItems": 1, "items": nested},
        "not": one_or_more(nested),
    }
    for name, fact in FACTS.items():
        for operator in OPERATORS_FOR[fact.type]:
            key = f"{name}|{operator}" if operator else name
            properties[key] = ref(_values_of(name, fact.type, operator))
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


def _values_of(name: str, type_: FactType, operator: str) -> str:
    """The name of the schema in `_VALUES` for what a fact is compared with."""
    if operator == "exists":
        return "flags"
    if type_ is FactType.NUMBER:
        return "numbers"
    return "causes" if name == "cause" and not operator else "texts"


def _values(schema: Schema) -> Schema:
    """Values of a condition: one, or a list that is not empty, or a named list."""
    value = {"anyOf": [schema, {"type": "string", "pattern": r"^\$"}]}
    return {"anyOf": [value, {"type": "array", "minItems": 1, "items": value}]}


_VALUES = {
    "flags": _values(word_of(["yes", "no"])),
    "numbers": _values({"type": ["number", "string"], "pattern": r"^-?\d{1,12}(?:\.\d{1,6})?$"}),
    "causes": _values(word_of(sorted(CAUSES))),
    "texts": _values(TEXT.schema),
}


def _as_scalars(ids: Iterable[str]) -> list[object]:
    """The ids, those of digits also as the number that an editor takes `source: 4` for."""
    ids = list(ids)
    return [*ids, *(int(id_) for id_ in ids if id_.isdecimal())]
