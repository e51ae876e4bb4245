"""What a settings text says, and what is said about one that cannot be used."""

import pytest
from pydantic import SecretStr

from app.settings_document import read_settings
from app.settings_store import shipped_settings
from app.yaml_document import MAX_BYTES, SettingsError
from proxy.config import Alias, Candidate, ProxyConfig, ServerConfig
from proxy.routing.aliases import resolve

FULL = b"""version: 1
server: {host: 127.0.0.1, port: 4000}
providers:
  openrouter: {dialect: openai-chat, base_url: "https://openrouter.ai/api/v1", key: {keyring: openrouter}}
  local:      {dialect: openai-chat, base_url: "http://127.0.0.1:11434/v1"}
  claude:     {dialect: anthropic-messages, base_url: "https://api.anthropic.com", key: {env: A_KEY}}
aliases:
  big:   {match: ["claude-*opus*"], candidates: [{provider: openrouter, model: anthropic/claude-sonnet-4}]}
unknown_models: {provider: openrouter}
"""


def _error(text: str | bytes) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        read_settings(text if isinstance(text, bytes) else text.encode())
    return caught.value


def test_the_documented_shape_is_read_as_it_stands() -> None:
    settings = read_settings(FULL).settings

    assert settings.server.port == 4000
    assert list(settings.providers) == ["openrouter", "local", "claude"]
    assert settings.providers["openrouter"].key is not None
    assert settings.providers["openrouter"].key.keyring == "openrouter"
    assert settings.providers["local"].key is None
    assert settings.providers["claude"].dialect == "anthropic-messages"
    assert settings.aliases["big"].candidates[0].model == "anthropic/claude-sonnet-4"
    assert settings.unknown_models is not None


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "version: 1\n", "providers:\naliases:\nserver:\n"]
)
def test_what_is_left_out_takes_its_default(text: str) -> None:
    settings = read_settings(text.encode()).settings

    assert (settings.server.port, dict(settings.providers), settings.unknown_models) == (4000, {}, None)


@pytest.mark.parametrize(
    "name", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5", "claude-fable-5", "any/other"]
)
def test_the_shipped_settings_resolve_every_name_claude_code_sends(name: str) -> None:
    shipped = shipped_settings().settings
    config = ProxyConfig(
        server=ServerConfig(SecretStr("t")),
        providers={"openrouter": None},  # pyright: ignore[reportArgumentType] - only the name counts here
        aliases=tuple(
            Alias(name, each.match, tuple(Candidate(c.provider, c.model) for c in each.candidates))
            for name, each in shipped.aliases.items()
        ),
        unknown_models=shipped.unknown_models.provider if shipped.unknown_models else None,
    )

    route = resolve(config, name)

    expected = {"claude-haiku-4-5": "small", "any/other": None}.get(name, "big")
    assert route.alias == expected


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("server: {port: 70000}\n", 1, 16, "less than or equal to 65535"),
        (
            "version: 1\nproviders:\n  a:\n    base_url: https://a.example/\n    dialect: soap\n",
            5,
            14,
            "openai-chat",
        ),
        ("providers:\n  a: {dialect: openai-chat}\n", 2, 6, "this key is missing"),
        ("server:\n  port: 1\n  port: 2\n", 3, 3, "'port' stands twice here (first on line 2, column 3)"),
        ("server: [1, 2\n", 2, 1, "','"),
        ("server:\n\tport: 1\n", 2, 1, "indent with blanks, not tabs"),
        ("- a\n- b\n", 1, 1, "settings are keys with values"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("aliases:\n  big: {match: [x], candidates: []}\n", 2, 33, "at least 1 item"),
        ("providers:\n  a: {base_url: 'http://example.com/v1'}\n", 2, 17, "use https"),
        ("providers:\n  a: {base_url: 'https://u:p@example.com/v1'}\n", 2, 17, "user name or password"),
        (
            "providers:\n  a: {base_url: 'https://a.example', key: {env: A, file: b}}\n",
            2,
            43,
            "exactly one place",
        ),
        ("version: two\n", 1, 10, "integer"),
        ("a: \x07\n", 1, 4, "a character that YAML does not allow"),
        ("x: &a [*a]\n", 1, 4, "an alias points to what contains it"),
        ("? [1, 2]\n: x\n", 1, 3, "a key must be a plain word"),
    ],
)
def test_an_error_has_line_column_and_what_to_do(text: str, line: int, column: int, words: str) -> None:
    error = _error(text)

    assert error.place is not None
    assert (error.place.line, error.place.column) == (line, column)
    assert words in error.problem
    assert str(error).startswith(f"line {line}, column {column}: ")


def test_bytes_that_are_no_utf_8_are_located() -> None:
    error = _error(b"version: 1\nname: \xff\n")

    assert str(error.place) == "line 2, column 7"


def test_a_key_written_into_the_settings_is_refused_and_never_repeated() -> None:
    key = "sk-or-" + "v1-" + "a1b2c3d4" * 8

    error = _error(f"providers:\n  a: {{base_url: 'https://a.example', key: {key}}}\n")

    assert "signalbox keys set" in str(error)
    assert str(error.place) == "line 2, column 43"
    assert key not in str(error)
    assert key not in repr(error.__cause__)


def test_a_newer_file_is_an_error_that_says_so_and_is_no_reason_to_move_it() -> None:
    error = _error("version: 99\nserver: {port: what}\n")

    assert error.is_newer
    assert "a newer Signalbox wrote this file (version 99; this one knows 1)" in str(error)


def test_multiplying_aliases_are_refused_before_they_are_built() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    assert "multiply" in str(_error("\n".join(rows)))


@pytest.mark.parametrize("text", ["[" * 3000, "{a: " * 3000, "- " * 3000 + "x"])
def test_deep_nesting_is_an_error_and_no_crash(text: str) -> None:
    assert "nested deeper" in str(_error(text))


def test_a_file_beyond_the_limit_is_not_parsed() -> None:
    assert "1 MiB" in str(_error(b"a: " + b"x" * MAX_BYTES))


def test_python_objects_are_not_made() -> None:
    assert "python/object" in str(_error("a: !!python/object/apply:os.getcwd []\n"))


def test_an_unknown_key_is_kept_and_named_with_the_near_miss() -> None:
    document = read_settings(
        b"version: 1\nservr: {port: 1}\nproviders:\n  a: {base_url: 'https://a.b', tags: [x]}\n"
    )

    assert document.raw["servr"] == {"port": 1}
    assert document.notices == (
        "line 2, column 8: unknown key 'servr'; did you mean 'server'?",
        "line 4, column 38: unknown key 'providers.a.tags'; it is kept and has no effect",
    )


def test_none_by_name_means_no_key() -> None:
    document = read_settings(b"providers:\n  a: {base_url: 'https://a.b', key: none}\n")

    assert document.settings.providers["a"].key is None
