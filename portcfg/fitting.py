"""Whether a document has its kind's shape, which most have, told in microseconds. The only importer of jsonschema_rs.

What is wrong with the others is told by `shape`, which takes a hundred times as long.
"""

from __future__ import annotations

import functools

from jsonschema_rs import Draft202012Validator

from portcfg.kinds import KINDS
from portcfg.model import Document


def fits(document: Document) -> bool:
    """Whether the document's body is what its kind's schema describes; False also where that can't be told here."""
    validator = _validator(document.kind)
    try:
        return validator.is_valid(document.body)
    except ValueError:
        # Infinity, half a character, hundreds of levels: JSON, and so this library, has no form for it.
        return False


@functools.cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(KINDS[kind].schema())
