"""The protein encoder, the text encoder, and ProtCLIP, which joins them in one space."""

from protclip_td.models.protclip import ProtCLIP

__all__ = ["ProtCLIP"]
