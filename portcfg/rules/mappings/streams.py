"""PC305: streams that a resource or a look-up reads and that aren't there."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC305", topic("streams"))
