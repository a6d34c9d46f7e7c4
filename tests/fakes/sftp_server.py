"""A server for SFTP inside of the test process: real protocol, real files, gone with the block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
from msgspec import Struct

from reconciler.base.secret import Secret
from reconciler.repository import Access, Credentials


class SftpServer(Struct, frozen=True):
    """Where it is, and the keys of both sides."""

    port: int
    known_hosts: Path
    identity: Path
    root: Path

    def url(self, path: str) -> str:
        return f"sftp://tester@127.0.0.1:{self.port}/{path}"

    def access(self, **changes: Any) -> Access:
        given = {"credentials": lambda: Credentials(identity=Secret(self.identity.read_bytes())), "known_hosts": str(self.known_hosts)}
        return Access(**(given | changes))


@contextmanager
def sftp_server(folder: Path, kind: type[asyncssh.SFTPServer] = asyncssh.SFTPServer) -> Iterator[SftpServer]:
    """Serves ``folder / "served"`` as its root. ``kind``: one that answers in a way of its own."""
    served = folder / "served"
    served.mkdir(parents=True)
    host, user = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    (folder / "identity").write_bytes(user.export_private_key())
    (folder / "identity").chmod(0o600)
    (folder / "authorized").write_bytes(user.export_public_key())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sftp-server", daemon=True)
    thread.start()

    async def begin() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host],
            authorized_client_keys=str(folder / "authorized"),
            sftp_factory=lambda channel: kind(channel, chroot=str(served)),
        )

    listening = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    port = listening.get_port()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {host.export_public_key().decode()}", encoding="ascii")
    try:
        yield SftpServer(port, folder / "known", folder / "identity", served)
    finally:

        async def end() -> None:
            listening.close()
            await listening.wait_closed()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
