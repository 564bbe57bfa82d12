"""PC311: properties that two resources write in different ways, without a rule for when they differ."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC311", topic("two writers"))
