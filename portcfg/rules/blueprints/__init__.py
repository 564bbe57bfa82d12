"""PC2xx: what Port refuses in a blueprint although its shape is right, and what would be empty in it."""

from portcfg.rules.blueprints import (
    calculation_compiles,
    many_required,
    migrate_compiles,
    mirror_path,
    old_names,
    renamed_from,
    required_names,
)
from portcfg.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    calculation_compiles.RULE,
    required_names.RULE,
    many_required.RULE,
    mirror_path.RULE,
    renamed_from.RULE,
    old_names.RULE,
    migrate_compiles.RULE,
)
