"""The protein encoder, the text encoder, and ProtCLIP, which joins them in one space.

`transformers` is imported inside functions: it takes seconds, which a command that makes no model
need not wait.
"""

from protclip_td.models.protclip import ProtCLIP

__all__ = ["ProtCLIP"]
