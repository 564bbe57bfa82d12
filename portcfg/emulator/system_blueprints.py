"""The system blueprints that every organisation has. They may be extended; their own members stay as they are."""

from __future__ import annotations

from portcfg.emulator.wire_errors import protected
from portcfg.model import Body

STRING: Body = {"type": "string"}
SECTIONS = ("relations", "mirrorProperties", "calculationProperties", "aggregationProperties")
# Rule results are written by Port alone, and `_rule` takes no schema change at all.
READ_ONLY = frozenset(["_rule_result"])
UNCHANGEABLE = frozenset(["_rule"])


def _count(title: str, target: str) -> Body:
    return {
        "title": title,
        "type": "number",
        "target": target,
        "calculationSpec": {"func": "count", "calculationBy": "entities"},
    }


def _share(of: str) -> Body:
    tested, passed = f".properties.{of}_tested", f".properties.{of}_passed"
    expression = f"if ({tested} // 0) > 0 then {passed} / {tested} else 0 end"
    return {"title": f"% of {of} passed", "type": "number", "calculation": expression}


def _relation(target: str) -> Body:
    return {"target": target, "required": False, "many": False}


USER_PROPERTIES: Body = {
    "status": {"type": "string", "title": "Status", "enum": ["STAGED", "ACTIVE", "INVITED", "DISABLED"]},
    "port_type": {"type": "string", "title": "Type", "enum": ["STANDARD", "SERVICE_ACCOUNT"]},
    "port_role": {"type": "string", "title": "Role"},
    "moderated_blueprints": {"type": "array", "title": "Moderated blueprints", "items": STRING},
}
SCORECARD_PROPERTIES: Body = {
    "blueprint": {"type": "string", "format": "blueprints"},
    "filter": {"type": "object"},
    "levels": {"type": "array", "items": {"type": "object"}},
}
RULE_PROPERTIES: Body = {"level": STRING, "query": {"type": "object"}, "rule_description": STRING}
RESULT_PROPERTIES: Body = {
    "entity": STRING,
    "result": STRING,
    "result_last_change": {"type": "string", "format": "date-time"},
}


def _base(identifier: str, title: str, properties: Body, **sections: Body) -> Body:
    return {
        "identifier": identifier,
        "title": title,
        "schema": {"properties": properties, "required": []},
        **{section: sections.get(section, {}) for section in SECTIONS},
    }


STRUCTURES: dict[str, Body] = {
    body["identifier"]: body
    for body in (
        _base("_user", "User", USER_PROPERTIES),
        _base("_team", "Team", {"description": STRING}, aggregationProperties={"size": {**_count("Size", "_user")}}),
        _base(
            "_scorecard",
            "Scorecard",
            SCORECARD_PROPERTIES,
            aggregationProperties={
                "rules_passed": _count("Rules passed", "_rule_result"),
                "rules_tested": _count("Rules tested", "_rule_result"),
            },
            calculationProperties={"of_rules_passed": _share("rules")},
        ),
        _base(
            "_rule",
            "Rule",
            RULE_PROPERTIES,
            relations={"scorecard": _relation("_scorecard")},
            aggregationProperties={
                "entities_passed": _count("Entities passed", "_rule_result"),
                "entities_tested": _count("Entities tested", "_rule_result"),
            },
            calculationProperties={"of_entities_passed": _share("entities")},
        ),
        _base(
            "_rule_result",
            "Rule Result",
            RESULT_PROPERTIES,
            relations={"rule": _relation("_rule")},
            mirrorProperties={
                "level": {"path": "rule.level"},
                "blueprint": {"path": "rule.scorecard.blueprint"},
                "scorecard": {"path": "rule.scorecard.$identifier"},
            },
            calculationProperties={"entity_link": {"type": "string", "calculation": ".properties.entity"}},
        ),
    )
}


def is_system(identifier: str) -> bool:
    """Whether the identifier is of Port's own blueprints."""
    return identifier.startswith("_")


def check_members(identifier: str, after: Body) -> None:
    """Raise 422 if `after` lacks or alters one of the system blueprint's own members."""
    base = STRUCTURES.get(identifier)
    if base is None:
        return
    if identifier in UNCHANGEABLE:
        raise protected(f'The schema of blueprint "{identifier}" can\'t be changed')
    parts = [("properties", base["schema"]["properties"], after["schema"]["properties"])]
    parts += [(section, base[section], after.get(section, {})) for section in SECTIONS]
    for section, own, now in parts:
        for name, member in own.items():
            if not (isinstance(now.get(name), dict) and member.items() <= now[name].items()):
                raise protected(f'"{name}" in {section} of blueprint "{identifier}" is managed by Port')
    if any(relation.get("required") for relation in after.get("relations", {}).values()):
        raise protected(f'Relations added to blueprint "{identifier}" can\'t be required')
