"""PC309: windows that don't say of which day a row is, beside others that do."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC309", topic("days"))
