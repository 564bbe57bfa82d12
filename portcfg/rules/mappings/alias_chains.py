"""PC313: aliases that are no addresses, or lead on to another alias."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC313", topic("aliases"))
