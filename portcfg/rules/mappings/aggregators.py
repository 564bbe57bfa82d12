"""PC308: aggregators that don't exist, or take something else."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC308", topic("aggregators"))
