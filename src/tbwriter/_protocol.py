"""`typing.Protocol` for type checkers; `object` at run time, where making a Protocol takes long
and checks nothing."""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Protocol as Protocol
else:
    Protocol = object
