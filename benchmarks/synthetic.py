"""Specs of a large portal, made for the benchmarks."""

from __future__ import annotations

from pathlib import Path

from portcfg.yamlread import dump

PROPERTIES = 20


def write_blueprints(root: Path, count: int) -> None:
    """`count` blueprints of 20 properties, a calculation and a relation to the one before, a file each."""
    folder = root / "blueprints"
    folder.mkdir(parents=True)
    for index in range(count):
        properties = {f"property_{number}": {"type": "number", "title": f"P {number}"} for number in range(PROPERTIES)}
        relation = {"before": {"target": f"thing_{index - 1}", "title": "Before", "required": False, "many": False}}
        body = {
            "title": f"Thing {index}",
            "icon": "Box",
            "schema": {"properties": properties, "required": ["property_0"]},
            "calculationProperties": {
                "both": {
                    "title": "Both",
                    "type": "number",
                    "calculation": ".properties.property_0 + .properties.property_1",
                }
            },
            "relations": relation if index else {},
        }
        (folder / f"thing_{index}.yaml").write_text(dump(body), encoding="utf-8")
