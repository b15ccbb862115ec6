"""The configuration: ``<home>/config.yaml``, ``<home>/profiles/*.yaml`` and the environment.

``load`` reads it, ``LiveConfig`` follows it while a process lives. Importing this costs no YAML
parser: that is loaded only when a file changed since it was last read.
"""

from hermes_kanban.config.database import Server
from hermes_kanban.config.environment import setting_variables
from hermes_kanban.config.live import LiveConfig
from hermes_kanban.config.loading import load, load_last_good
from hermes_kanban.config.settings import (
    Config,
    KanbanSettings,
    LoggingSettings,
    Profile,
    WebSettings,
)

__all__ = [
    "Config",
    "KanbanSettings",
    "LiveConfig",
    "LoggingSettings",
    "Profile",
    "Server",
    "WebSettings",
    "load",
    "load_last_good",
    "setting_variables",
]
