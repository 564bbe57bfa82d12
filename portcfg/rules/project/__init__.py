"""PC7xx: how the specs fit together, and what doesn't belong into them."""

from portcfg.rules.project import (
    circles,
    deep_folders,
    duplicate_identifiers,
    known_secrets,
    likely_secrets,
    missing_targets,
    other_parent,
    own_blueprint,
    twins,
    unknown_places,
)
from portcfg.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    duplicate_identifiers.RULE,
    missing_targets.RULE,
    own_blueprint.RULE,
    unknown_places.RULE,
    other_parent.RULE,
    circles.RULE,
    deep_folders.RULE,
    twins.RULE,
    known_secrets.RULE,
    likely_secrets.RULE,
)
