"""Variables of the process and of an env file; secrets are taken, not left."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.environment import EnvFileError, Environment, read_env_file


def test_the_process_wins_over_the_file_and_an_empty_variable_is_none() -> None:
    environment = Environment(process={"A": "process", "B": ""}, file={"A": "file", "B": "file", "C": "file"})

    assert [environment.get(name) for name in "ABCD"] == ["process", "file", "file", None]


def test_a_secret_is_taken_once_and_known_ever_after() -> None:
    process = {"KEY": " value \n"}
    environment = Environment(process=process)

    assert environment.take_secret("KEY") == SecretStr("value")
    assert process == {}
    assert environment.take_secret("KEY") == SecretStr("value")
    assert environment.take_secret("OTHER") is None
    assert "value" not in repr(environment.take_secret("KEY"))


def test_an_env_file_is_read_as_shells_write_it(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text(
        "\ufeff# comment\n\nA=plain # note\nexport B='single # kept'\nC=\"double\"\nD=\n E = spaced \nF=a#b\n"
    )

    assert read_env_file(path) == {
        "A": "plain",
        "B": "single # kept",
        "C": "double",
        "D": "",
        "E": "spaced",
        "F": "a#b",
    }


@pytest.mark.parametrize(("content", "words"), [(b"A=1\nnonsense\n", "line 2"), (b"A=\xff", "not UTF-8")])
def test_an_env_file_that_cannot_be_read_is_told_without_its_content(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "env"
    path.write_bytes(content)

    with pytest.raises(EnvFileError, match=words) as caught:
        read_env_file(path)
    assert "nonsense" not in str(caught.value)


def test_a_missing_env_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvFileError, match="existing file"):
        read_env_file(tmp_path / "none")
