"""`${vars.name}` inside the text of a spec -> the value of the project's variable."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

VARIABLE = re.compile(r"(\$?)\$\{([^{}]*)\}")

# Takes what is wrong, and what to do.
Tell = Callable[[str, str], None]


def substituted(text: str, variables: Mapping[str, Any], file: str, tell: Tell) -> Any:
    """`text` with its variables' values; the value itself where it is one variable and nothing else.

    `file` is where variables are written; `$${` is a literal `${`.
    """
    whole = VARIABLE.fullmatch(text)
    if whole and not whole[1]:
        return _variable(whole[2], variables, file, tell)
    return VARIABLE.sub(lambda found: found[0][1:] if found[1] else _text_of(found[2], variables, file, tell), text)


def _text_of(name: str, variables: Mapping[str, Any], file: str, tell: Tell) -> str:
    value = _variable(name, variables, file, tell)
    if value is None or isinstance(value, dict | list):
        tell(f"${{{name}}} is no text or number, so it can't stand inside other text", "")
    return value if isinstance(value, str) else json.dumps(value)


def _variable(name: str, variables: Mapping[str, Any], file: str, tell: Tell) -> Any:
    value: Any = {"vars": variables}
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            known = ", ".join(f"${{vars.{key}}}" for key in sorted(variables)) or "none"
            tell(f"there is no variable ${{{name}}}", f"variables of {file}: {known}; for a literal write $${{...}}")
            return ""
        value = value[part]
    return value
