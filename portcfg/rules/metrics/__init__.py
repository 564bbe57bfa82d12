"""PC6xx: figures that don't mean what their title says."""

from portcfg.rules.metrics import (
    averaged_ratios,
    beyond_window,
    cents,
    people_counted,
    promised_ratio,
    running_totals,
    summed_gauges,
    summed_ratios,
    things_counted,
)
from portcfg.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    people_counted.RULE,
    averaged_ratios.RULE,
    summed_ratios.RULE,
    cents.RULE,
    beyond_window.RULE,
    summed_gauges.RULE,
    running_totals.RULE,
    promised_ratio.RULE,
    things_counted.RULE,
)
