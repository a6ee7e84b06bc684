"""Free ports, and a sentence when the wanted one is taken."""

import socket

from dev.launcher.errors import LaunchError

LOOPBACK = "127.0.0.1"


def port_is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    try:
        _bind_once(host, port)
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_to_use(recorded: str | None) -> int:
    """The port of an earlier start if it is still free, so that addresses stay the same; else another one."""
    if recorded and recorded.isdigit() and 0 < int(recorded) < 65536 and port_is_free(int(recorded)):
        return int(recorded)
    return free_port()


def require_web_port(host: str, port: str) -> None:
    """Say why the web server could not listen, before anything is started."""
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise LaunchError(f"PORT={port} is not a port; choose a number from 1 to 65535.")
    try:
        _bind_once(host, int(port))
    except PermissionError:
        raise LaunchError(f"Port {port} is for root only; choose another with PORT=8001 make run") from None
    except socket.gaierror:
        raise _not_ours(host) from None
    except OSError as error:
        raise _port_problem(host, int(port), error) from None


def _bind_once(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        # Without it, connections that are still closing after the last run would look like a taken port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _port_problem(host: str, port: int, error: OSError) -> LaunchError:
    if "Cannot assign" in str(error) or "can't assign" in str(error):
        return _not_ours(host)
    other = port + 1 if port < 65535 else 8000
    return LaunchError(f"Port {port} is taken by another program; choose another with PORT={other} make run")


def _not_ours(host: str) -> LaunchError:
    return LaunchError(f"HOST={host} is not an address of this machine; leave it out for {LOOPBACK}.")
