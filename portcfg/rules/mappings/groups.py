"""PC310: groups that a run over some days would overwrite."""

from __future__ import annotations

from portcfg.rules.mappings.configs import topic
from portcfg.rules.rule import Rule

RULE = Rule("PC310", topic("groups"))
