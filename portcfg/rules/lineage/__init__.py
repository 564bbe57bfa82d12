"""PC5xx: what is read and never written, and what is written and never read."""

from portcfg.rules.rule import Rule

RULES: tuple[Rule, ...] = ()
