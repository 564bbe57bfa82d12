"""PC303: variables that an expression reads and nobody sets."""

from __future__ import annotations

from portcfg.rules.mappings.configs import jq_topic
from portcfg.rules.rule import Rule

RULE = Rule("PC303", jq_topic("unset"))
