"""What the server is told to do, read once and never changed: one YAML file, or the defaults."""

from server.config.file import ConfigFile
from server.config.loading import load, parse
from server.config.masked import masked
from server.config.problems import ConfigError
from server.config.schema import Config, Drain, History, KeyConfig, Listen, ModelConfig, ProviderConfig

__all__ = [
    "Config",
    "ConfigError",
    "ConfigFile",
    "Drain",
    "History",
    "KeyConfig",
    "Listen",
    "ModelConfig",
    "ProviderConfig",
    "load",
    "masked",
    "parse",
]
