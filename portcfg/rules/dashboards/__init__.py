"""PC4xx: dashboards that Port would refuse, or that would show nothing."""

from portcfg.rules.dashboards import one_function, rows, unplaced
from portcfg.rules.rule import Rule

RULES: tuple[Rule, ...] = (rows.RULE, unplaced.RULE, one_function.RULE)
