"""PC6xx: figures that don't mean what their title says."""

from portcfg.rules.rule import Rule

RULES: tuple[Rule, ...] = ()
