"""What this copy of the model was built as: switches resolved when the code is compiled."""

from typing import Final

READ_LOCK_FIRST: Final = True
"""9fa336e343b2 ("KVM: pfncache: check the need for invalidation under read lock first"), v6.9."""
