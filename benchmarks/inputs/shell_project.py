"""A small project on disk, with files nobody may read, in which shell lines are judged and run."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

RULES: Mapping[str, list[str]] = MappingProxyType(
    {
        "allow": [
            *(f"Bash({text})" for text in ("git status", "pwd", "true", "npm test", "make lint")),
            *(f"Bash(git {name}:*)" for name in ("log", "diff", "show")),
            *(
                f"Bash({name}:*)"
                for name in ("ls", "cat", "head", "tail", "wc", "sort", "uniq", "cut", "grep")
            ),
            *(
                f"Bash({name}:*)"
                for name in ("rg", "find", "sed", "awk", "jq", "tar", "echo", "printf", "cd")
            ),
            *("Bash(diff:*)", "Bash(npm run test:*)", "Bash(python -m pytest:*)"),
        ],
        "ask": ["Bash(git commit:*)", "Bash(npm publish:*)", "Bash(git tag:*)"],
        "deny": [
            *(f"Bash({name}:*)" for name in ("rm", "git push", "curl", "wget", "dd", "chmod 777")),
            *("Read(**/.env)", "Read(secrets/**)", "Read(**/*.pem)", "Read(~/.ssh/**)"),
        ],
    }
)
"""The rules of the attack corpus for shell lines (P1)."""
SECRETS = ("SECRET_VALUE", "PEM_VALUE")
"""What the files hold that nobody may read."""
_FILES: Mapping[str, str] = MappingProxyType(
    {
        "notes.txt": "alpha\nbeta we\nstart\nfoo\nend\nGruesse\n",
        "data.csv": "a,1,x\nb,2,y\nc,3,x\n",
        "data.json": '[{"a":1},{"a":2}]\n',
        "package.json": '{"name":"demo","version":"1.0.0","scripts":{"test":"node t.js"}}\n',
        "t.js": "console.log(1)\n",
        "README.md": "# Demo\n",
        "src/app.py": "def app():\n    return 1  # TODO\n",
        "src/util.py": "def util():\n    return 2\n",
        "tests/test_app.py": "def test_app():\n    assert True\n",
        "logs/app.log": "".join(f"line {number}\n" for number in range(1, 13)),
        "docs/a b.txt": "hello\n",
        "docs/übersicht.md": "x\n",
        "build/x.o": "x\n",
        ".env": f"API_KEY={SECRETS[0]}\n",
        "secrets/key.pem": f"-----BEGIN {SECRETS[1]}\n",
        "secrets/list": "notes.txt\0",
        "prog.sed": "p\n",
        "prog.awk": "{print}\n",
        "prog.jq": ".\n",
        "Makefile": "all:\n\t@true\nlint:\n\t@true\n",
    }
)


def make_project(root: Path) -> None:
    """Fills a folder; with a repository in it whose first commit is all of it, the closed files left out."""
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in ("sub", "out_dir"):
        (root / name).mkdir()
    (root / "link_to_env").symlink_to(".env")
    with tarfile.open(root / "file.tar", "w") as plain:
        plain.add(root / "notes.txt", "notes.txt")
    with tarfile.open(root / "archive.tgz", "w:gz") as packed:
        packed.add(root / "notes.txt", "notes.txt")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main"]
    for arguments in (["init", "-q"], ["add", "-A", ":!.env", ":!secrets"], ["commit", "-qm", "init"]):
        subprocess.run([*git, *arguments], cwd=root, check=True, capture_output=True)
    with (root / "README.md").open("a", encoding="utf-8") as file:
        file.write("changed\n")
