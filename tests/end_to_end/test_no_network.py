"""What must work on a machine that is connected to nothing but itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.programs import ROOT, environment

_ALONE = r"""
import errno, fcntl, os, socket, struct, sys

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
    fcntl.ioctl(plug, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up and running
with socket.socket() as outside:
    if outside.connect_ex(("192.0.2.1", 80)) != errno.ENETUNREACH:
        sys.exit("this machine is still connected")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Turns loopback on, proves that nothing else is there, and becomes the program to try."""


@pytest.fixture(scope="module")
def alone() -> tuple[str, ...]:
    """The words before a program that cut it off from every network."""
    unshare = shutil.which("unshare")
    for flags in (("--net",), ("--map-root-user", "--net")):
        if (
            unshare
            and subprocess.run((unshare, *flags, "true"), capture_output=True, check=False).returncode == 0
        ):
            return (unshare, *flags, "--", sys.executable, "-c", _ALONE)
    pytest.skip("this machine does not let us make a network of our own (unshare --net)")


def test_the_demo_holds_its_conversation_without_a_network_and_without_a_key(
    alone: tuple[str, ...], tmp_path: Path
) -> None:
    done = subprocess.run(
        (*alone, "-m", "app", "demo"),
        cwd=ROOT,
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "It works: the answer holds the word" in done.stdout
