"""Start the sandbox: `python -m dev.sandbox`."""

import asyncio
import ipaddress
import json
import signal
import sys

from dev.sandbox.control import ControlApi
from dev.sandbox.errors import CannotStartError
from dev.sandbox.misbehaviour.listener import Listener
from dev.sandbox.options import Options, parse_options
from dev.sandbox.world import World

LOOPBACK = "127.0.0.1"


def main() -> int:
    options = parse_options()
    if not options.key:
        print("No key was given: the callers' tokens are not checked.", file=sys.stderr)
    try:
        asyncio.run(_serve(options))
    except CannotStartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _serve(options: Options) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    world = World(options)
    control = Listener(ControlApi(world).application(), _control_host(options.host), options.control_port)
    try:
        await world.start()
        await control.start()
        print(json.dumps(_ready(world, control)), flush=True)
        await stopping.wait()
    finally:
        await control.stop()
        await world.stop()


def _ready(world: World, control: Listener) -> dict[str, bool | str]:
    urls = {f"{name}_url": listener.url for name, listener in world.listeners.items()}
    return {"ready": True, **urls, "control_url": control.url}


def _control_host(host: str) -> str:
    """Return where the control port listens: it has no authentication, so never beyond this machine."""
    if host == "localhost":
        return host
    try:
        return host if ipaddress.ip_address(host).is_loopback else LOOPBACK
    except ValueError:
        return LOOPBACK


if __name__ == "__main__":
    sys.exit(main())
