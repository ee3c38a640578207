"""Former place of `built_in`."""

from protclip_td.data.built_in import SAMPLE

__all__ = ["SAMPLE"]
