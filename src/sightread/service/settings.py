"""How a service is run: what it serves, to whom, and its limits."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, replace

from sightread.errors import UsageError
from sightread.protocols import DEFAULT_READER

MIN_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be said about a service.

    Args:
        libraries: their folders; the first is the one that is meant if none is named.
        folders: what may be indexed over the network, with all below it. None: nothing.
        encoder: the folder of a model that works beside the reader when something is indexed; ""
            for those that a library remembers.
        reader, reader_model, detail: who reads then, as the options of `sightread index`.
        host: the address to listen on.
        port: 0 for any that is free.
        token: what every client has to know; None: only for a loopback address.
        hosts: further names under which the service is called.
        origins: web pages of others that may call it from a browser (CORS).
        cache: folder for thumbnails; "" for the user's cache folder.
        cache_bytes: it is kept below this.
        upload_bytes: the largest picture to search with.
        search_timeout_s, picture_timeout_s: answers that take longer are given up.
        waiting: requests that may wait for each kind of work; more are sent away.
        per_second, burst: requests that one address may make; a burst all at once.
        connections: that may be open at once.
    """

    libraries: tuple[str, ...]
    folders: tuple[str, ...] = ()
    encoder: str = ""
    reader: str = DEFAULT_READER
    reader_model: str | None = None
    detail: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    token: str | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    cache: str = ""
    cache_bytes: int = 512_000_000
    upload_bytes: int = 32_000_000
    search_timeout_s: float = 20.0
    picture_timeout_s: float = 30.0
    waiting: int = 128
    per_second: float = 200.0
    burst: int = 600
    connections: int = 512

    def check(self) -> None:
        """Refuse what cannot be served, or not safely.

        Raises:
            UsageError: in one sentence.
        """
        if not self.libraries:
            raise UsageError("No library was named; give the folder of at least one.")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"The port is {self.port}; it must be 0 (any) to 65535.")
        if self.token is not None and len(self.token) < MIN_TOKEN:
            raise UsageError(
                f"The token has {len(self.token)} characters; it needs at least {MIN_TOKEN}, so "
                "that nobody guesses it."
            )
        if self.token is None and not is_loopback(self.host):
            raise UsageError(
                f"{self.host} can be reached from other machines, so a token is needed: set "
                "SIGHTREAD_TOKEN, or leave out --host."
            )
        self._check_limits()
        for folder in self.folders:
            if not os.path.isdir(folder):
                raise UsageError(f"There is no folder {folder} to index; check its name.")

    def _check_limits(self) -> None:
        for option, value in (
            ("--rate", self.per_second),
            ("--burst", self.burst),
            ("--upload-mb", self.upload_bytes),
            ("--timeout", min(self.search_timeout_s, self.picture_timeout_s)),
            ("--connections", self.connections),
            ("--cache-mb", self.cache_bytes),
        ):
            if not value > 0:
                raise UsageError(f"{option} is {value:g}; it must be more than 0.")
        if self.waiting < 0:
            raise UsageError(f"--waiting is {self.waiting}; it must be at least 0.")

    def resolved(self) -> Settings:
        """The same with the folders that may be indexed as they are now, all links in their paths
        followed: a link that is put in the place of one later leads nowhere."""
        return replace(self, folders=tuple(os.path.realpath(folder) for folder in self.folders))

    @property
    def cache_folder(self) -> str:
        """Where thumbnails are kept (XDG)."""
        if self.cache:
            return self.cache
        base = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):
            base = os.path.expanduser("~/.cache")
        return os.path.join(base, "sightread", "pictures")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
