"""PC315: retention and pruning by which nobody could tell what may go."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC315", topic("deletion"))
