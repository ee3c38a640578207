"""YAML + jinja configurations, strict: all mistakes are reported at once."""

from protclip_td.config.loading import Config, find_config, load_config, shipped_configs

__all__ = ["Config", "find_config", "load_config", "shipped_configs"]
