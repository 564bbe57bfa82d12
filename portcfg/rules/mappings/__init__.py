"""PC3xx: mappings that would write nothing, the wrong thing, or not what the blueprint takes."""

from portcfg.rules.mappings import offline_checks
from portcfg.rules.rule import Rule

RULES: tuple[Rule, ...] = (offline_checks.RULE,)
