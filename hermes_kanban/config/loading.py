"""From files and environment to one ``Config``: environment over file over default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hermes_kanban.config import cache, environment
from hermes_kanban.config.settings import Config, OpenToAll, Sections, UnknownResource
from hermes_kanban.model.errors import ConfigError

CONFIG_FILE = "config.yaml"
REFUSALS = (msgspec.ValidationError, UnknownResource, OpenToAll)


class Version(NamedTuple):
    """What a Config follows from; equal versions give equal Configs."""

    stamps: tuple[cache.Stamp, ...]
    environment: tuple[str | None, ...]


_loaded: dict[Path, tuple[Version, Config]] = {}


def load(home: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration of ``home``; a folder without files gives the defaults.

    Raises ConfigError, in one line, with the key, the file and the line (or the variable), and
    the nearest valid key. Cheap to call again: while nothing changed it costs a few stat calls.
    """
    return load_version(home, version(home, environ))


def load_last_good(home: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Like ``load``, but where the files are wrong now, as they last were right.

    For workers: a slip in a file that is being edited must not cost them their hand-over. Raises
    ConfigError if the files have never been right.
    """
    try:
        return load(home, environ)
    except ConfigError as error:
        last = cache.read_last_copy(home)
        if last is None:
            raise
        stamps, tree = last
        texts = environment.texts(environ)
        try:
            return _config(tree, environment.overrides(texts), Version(stamps, texts))
        except REFUSALS:
            raise error from None


def version(home: Path, environ: Mapping[str, str] = os.environ) -> Version:
    """What the configuration of ``home`` follows from at this moment."""
    try:
        return Version(cache.stamps(home), environment.texts(environ))
    except OSError as problem:
        raise ConfigError(
            f"{problem.filename or home} cannot be read: {problem.strerror}"
        ) from None


def load_version(home: Path, wanted: Version) -> Config:
    """``load`` for a version that was just looked up."""
    known = _loaded.get(home)
    if known is not None and known[0] == wanted:
        return known[1]
    config = _build(home, wanted)
    if cache.settled(wanted.stamps):
        _loaded[home] = (wanted, config)
    return config


def _build(home: Path, wanted: Version) -> Config:
    overrides = environment.overrides(wanted.environment)
    tree = cache.read_copy(home, wanted.stamps) if wanted.stamps else {}
    if tree is not None:
        try:
            return _config(tree, overrides, wanted)
        except REFUSALS:
            pass  # the fault needs its line, which only the files know
    return _build_from_files(home, wanted, overrides)


def _build_from_files(home: Path, wanted: Version, overrides: dict[str, dict[str, Any]]) -> Config:
    from hermes_kanban.config import source  # loads PyYAML

    files = [stamp.file for stamp in wanted.stamps]
    has_config = bool(files) and files[0] == home / CONFIG_FILE
    config_file = files[0] if has_config else None
    read = source.read(config_file, files[1:] if has_config else files)
    try:
        msgspec.convert(read.tree, type=Sections)  # an override hides no fault of the files
        config = _config(read.tree, overrides, wanted)
    except REFUSALS as problem:
        from hermes_kanban.config.diagnosis import explain

        raise explain(read, overrides, problem) from None
    if files:
        cache.write_copy(home, wanted.stamps, read.tree)
    return config


def _config(tree: dict[str, Any], overrides: dict[str, dict[str, Any]], wanted: Version) -> Config:
    """Raises one of REFUSALS, whose text is not yet fit for people."""
    merged = dict(tree)
    for section, values in overrides.items():
        given = merged.get(section, {})
        merged[section] = {**given, **values} if isinstance(given, dict) else given
    sections = msgspec.convert(merged, type=Sections)
    sections.check_resources()
    sections.check_web()
    files = tuple(stamp.file for stamp in wanted.stamps)
    return Config(
        kanban=sections.kanban,
        logging=sections.logging,
        web=sections.web,
        host=sections.host,
        chat=sections.chat,
        notify=sections.notify,
        profiles=sections.profiles,
        files=files,
    )
