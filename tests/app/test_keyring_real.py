"""Keys in a real Secret Service: gnome-keyring in a D-Bus session of its own, and sessions without one."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(  # a real keyring needs its daemon and a bus
        sys.platform != "linux"
        or not shutil.which("gnome-keyring-daemon")
        or not shutil.which("dbus-run-session"),
        reason="needs dbus-run-session and gnome-keyring-daemon (apt: dbus gnome-keyring)",
    ),
    pytest.mark.timeout(120),
]

_ROOT = Path(__file__).resolve().parents[2]

# Starts the daemon unlocked, waits on the bus until it owns its name, then runs the rest.
_UNLOCKED = r"""
printf "pw" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
for _ in $(seq 100); do
  dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
    string:org.freedesktop.secrets 2>/dev/null | grep -q "boolean true" && break
  sleep .1
done
exec "$@"
"""


_BARE_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy>
</busconfig>
"""


def _run(
    home: Path, script: str, *, prelude: str = _UNLOCKED, bus: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DISPLAY", "DBUS_SESSION_BUS_ADDRESS"}
    }
    environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"), "PYTHONPATH": str(_ROOT)}
    environment |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}  # must be ignored
    return subprocess.run(
        [
            "dbus-run-session",
            *([f"--config-file={bus}"] if bus else []),
            "--",
            "bash",
            "-c",
            prelude,
            "_",
            "bash",
            "-c",
            script,
        ],
        env=environment,
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def _app(words: str) -> str:
    return f"'{sys.executable}' -m app {words}"


def test_keys_are_set_listed_used_and_deleted_in_the_real_service(home: Path) -> None:
    result = _run(
        home,
        f"""
        set -u
        printf 'key-number-one\\n' | {_app("keys set openrouter")}; echo "set $?"
        printf 'key-number-two' | {_app("keys set other")}; echo "set $?"
        {_app("keys list")}; echo "list $?"
        {_app("keys list other")}; echo "list $?"
        {_app("doctor")}; echo "doctor $?"
        {_app("keys delete other")}; echo "delete $?"
        {_app("keys delete other")}; echo "delete $?"
        {_app("keys list")}; echo "list $?"
        """,
    )

    lines = result.stdout.splitlines()
    assert lines[:4] == ["set 0", "set 0", "openrouter", "other"]
    assert lines[4:7] == ["list 0", "other", "list 0"]
    assert any("openrouter: in the keyring (openrouter)" in each for each in lines)
    assert any("Secret Service, answers" in each for each in lines)
    assert lines[-4:] == ["delete 0", "delete 1", "openrouter", "list 0"]
    assert "key-number" not in result.stdout + result.stderr
    assert "The provider openrouter was added to" in result.stderr
    assert not [each for each in home.rglob("*") if each.is_file() and b"key-number" in each.read_bytes()], (
        "gnome-keyring encrypts; we write no key"
    )


def test_the_token_is_made_in_the_real_service_at_the_first_start_and_found_at_the_next(home: Path) -> None:
    program = textwrap.dedent(
        """
        import json, sys
        from pathlib import Path
        from app.environment import Environment
        from app.local_token import find_token
        from app.secrets import SecretStore
        environment = Environment()
        token = find_token(environment, SecretStore(environment), Path(sys.argv[1]))
        print(json.dumps([token.value.get_secret_value(), token.source]))
        """
    )
    script = home / "find.py"
    script.write_text(program)
    command = f"'{sys.executable}' '{script}' '{home}/token'"

    result = _run(home, f"{command}; {command}")

    first, second = (json.loads(each) for each in result.stdout.splitlines())
    assert first == second
    assert first[1] == "in the keyring (local-token)"
    assert not (home / "token").exists()


def test_a_locked_keyring_has_a_message_and_the_variable_stands_in(home: Path) -> None:
    # Made and unlocked once, then started again without its password: nobody is there to type it.
    prelude = (
        _UNLOCKED.replace('exec "$@"', "")
        + "gnome-keyring-daemon --replace --components=secrets >/dev/null 2>&1\n"
        + 'exec "$@"'
    )

    result = _run(home, f"OPENROUTER_API_KEY=from-env {_app('doctor')}", prelude=prelude)

    line = next(each for each in result.stdout.splitlines() if "openrouter:" in each)
    assert "environment variable OPENROUTER_API_KEY (used because" in line
    assert "keyring" in line
    assert "Secret Service, answers" not in result.stdout


def test_a_session_without_a_secret_service_says_that_none_is_available(home: Path) -> None:
    bus = home / "bus.conf"  # without folders of services that could be started on demand
    bus.write_text(_BARE_BUS)

    result = _run(home, _app("keys list"), prelude='exec "$@"', bus=bus)

    assert result.returncode == 1
    assert "no keyring is available here" in result.stderr
