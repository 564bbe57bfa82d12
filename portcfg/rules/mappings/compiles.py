"""PC301: jq that doesn't compile."""

from __future__ import annotations

from portcfg.rules.mappings.configs import jq_topic
from portcfg.rules.rule import Rule

RULE = Rule("PC301", jq_topic("jq"))
