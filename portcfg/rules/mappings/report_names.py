"""PC312: sums of the report over what no resource writes."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC312", topic("report"))
