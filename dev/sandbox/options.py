"""The command line."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How one sandbox is started. Ports: 0 takes a free one. Without `state` nothing outlives the process."""

    host: str
    points_port: int
    tokens_port: int
    analytics_port: int
    control_port: int
    state: Path | None
    key: str
    token_delay: float
    callback_url: str
    callback_key: str


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(prog="sandbox", description="Stand-in peers over real HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="address the peers listen on")
    parser.add_argument("--points-port", type=_port, default=9101)
    parser.add_argument("--tokens-port", type=_port, default=9102)
    parser.add_argument("--analytics-port", type=_port, default=9103)
    parser.add_argument("--control-port", type=_port, default=9100, help="always on loopback")
    parser.add_argument("--state", type=Path, help="folder of the journals; without it: memory only")
    parser.add_argument(
        "--key",
        default=os.environ.get("SERVICE_JWT_OUT_KEY", ""),
        help="key of the callers' tokens; empty: tokens are not checked (default: SERVICE_JWT_OUT_KEY)",
    )
    parser.add_argument("--token-delay", type=_seconds, default=0.5, help="seconds from mint to confirmed")
    parser.add_argument("--callback-url", default="", help="told how each token task ended")
    parser.add_argument("--callback-key", default="", help="signs those callbacks")
    return Options(**vars(parser.parse_args(arguments)))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is between 0 and 65535")
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 86400:
        raise argparse.ArgumentTypeError("must be between 0 and 86400 seconds")
    return seconds
