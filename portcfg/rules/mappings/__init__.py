"""PC3xx: mappings that would write nothing, the wrong thing, or not what the blueprint takes."""

from portcfg.rules.mappings import (
    aggregators,
    alias_chains,
    compiles,
    days,
    deletions,
    groups,
    lookups,
    outside,
    path_parameters,
    people,
    report_names,
    streams,
    two_writers,
    unset,
    variables,
)
from portcfg.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    compiles.RULE,
    outside.RULE,
    unset.RULE,
    variables.RULE,
    streams.RULE,
    lookups.RULE,
    path_parameters.RULE,
    aggregators.RULE,
    days.RULE,
    groups.RULE,
    two_writers.RULE,
    report_names.RULE,
    alias_chains.RULE,
    people.RULE,
    deletions.RULE,
)
