"""Rules over specs of the right shape: a package for each topic, a module for each rule, an id of a hundred.

PC0xx files that can't be read (load), PC1xx shape, PC2xx blueprints, PC3xx mappings, PC4xx dashboards, PC5xx lineage,
PC6xx metric sense, PC7xx the project, PC8xx what only shows once Port is asked (plan).
"""

from portcfg.rules import blueprints, dashboards, lineage, mappings, metrics, project
from portcfg.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *blueprints.RULES,
    *mappings.RULES,
    *dashboards.RULES,
    *lineage.RULES,
    *metrics.RULES,
    *project.RULES,
)
