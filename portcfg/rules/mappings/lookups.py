"""PC306: look-ups that an expression reads and that aren't there."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC306", topic("lookups"))
