"""YAML + jinja configurations, strict: all mistakes are reported at once."""

from protclip_td.config.loading import Config, find_config, load_config, shipped_configs
from protclip_td.config.resuming import load_resumed

__all__ = ["Config", "find_config", "load_config", "load_resumed", "shipped_configs"]
