"""The `.env` files of a project: which are read, and which are passed over."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from helpers.world import CLAIM, World

from harness.domain.paths import Paths
from harness.records.env_files import note_standing
from harness.records.receipt import parse_receipt
from harness.system.redact import Redactor, find_secrets, parse_env
from harness.system.secrets import LARGEST, MOST, MOST_VALUES, read_redactor


def test_strange_env_files_are_passed_over_and_the_persons_own_is_read(place: Paths) -> None:
    (place.root / ".env").write_text("API_KEY=a-long-enough-secret-1\n")
    os.mkfifo(place.root / ".env.fifo")
    (place.root / ".env.folder").mkdir()
    (place.root / ".env.loop").symlink_to(".env.loop")
    with (place.root / ".env.huge").open("wb") as huge:
        huge.truncate(10 << 30)
    for number in range(MOST + 5):
        (place.root / f".env.{number}").write_text(f"KEY_{number}=another-long-secret-{number:04d}\n")
    redactor = read_redactor(place.root, {})
    assert "a-long-enough-secret-1" not in redactor.text("it is a-long-enough-secret-1")


POISON = "The password must never be logged."
AFTER = "end: the limit of iterations is reached with work left"


@pytest.mark.deep
def test_a_spec_is_shown_as_the_person_wrote_it_whatever_an_attempt_calls_a_secret(world: World, harness: Any) -> None:
    world.spec("a", f"- [ ] {POISON}", checks=["test -f made.txt"])
    (world.root / ".env").write_text("DB_PASSWORD=correct-horse-9\n")
    world.repository()
    lines = (f"X_TOKEN={POISON}", f"A_TOKEN={AFTER[5:]}", "W_TOKEN=def main(argv)")
    world.agent(f"printf '%s\\n' {' '.join(map(repr, lines))} > .env.zz; echo {POISON} correct-horse-9; note did it")
    first = world.run(max_iterations=1)
    assert "a: `.env.zz` appeared during an attempt: what it holds is taken for no secret" in first.text
    world.config_file()
    assert POISON in harness("dry-run", "--no-checks").out
    world.agent(f"echo 'def main(argv)' > made.txt; {CLAIM}")
    assert world.run().code == 0
    assert POISON in world.prompt("a", 2)
    assert "correct-horse-9" not in world.log("attempts/a/0001/stream.jsonl")


def test_an_env_file_of_an_attempt_that_was_cut_off_is_told_and_not_believed(world: World, harness: Any) -> None:
    world.spec("a", POISON)
    note_standing(Paths(world.root, world.root / "specs", world.root / "logs"))
    (world.root / ".env.zz").write_text(f"X_TOKEN={POISON}\n")
    world.agent("note did it")
    assert "`.env.zz` appeared during an attempt" in world.run(max_iterations=1).text
    assert POISON in world.prompt("a", 1)
    (world.root / ".env.zz").write_text(f"X_TOKEN={POISON} by a person\n")
    (world.root / ".env.mine").write_text("MY_TOKEN=q8Zr7Lm2-of-mine\n")
    world.agent(f"echo q8Zr7Lm2-of-mine; echo {POISON} by a person; note did more")
    ran = world.run(max_iterations=1)
    said = world.log("attempts/a/0002/stream.jsonl")
    assert ("appeared" in ran.text, "q8Zr7Lm2" in said, POISON in said) == (False, False, False)


def test_an_env_file_that_an_attempt_renamed_is_believed(world: World) -> None:
    world.spec("a")
    (world.root / ".env").write_text("DB_PASSWORD=correct-horse-9\n")
    world.agent("mv .env .env.moved; note did it")
    world.run(max_iterations=1)
    world.agent("cat .env.moved; note did more")
    world.run(max_iterations=1)
    assert "correct-horse-9" not in world.log("attempts/a/0002/stream.jsonl")


def test_what_is_too_much_to_be_read_lets_no_claim_pass(world: World) -> None:
    world.spec("a", checks=["true"])
    (world.root / ".gitignore").write_text(".env*\n")
    world.repository()
    (world.root / ".env").write_text("\n" * (LARGEST + 1) + "DB_PASSWORD=correct-horse-9\n")
    world.agent(f"echo ok > made.txt; {CLAIM}")
    ran = world.run(max_iterations=1)
    assert (ran.code, world.outcomes()) == (1, ["unconfirmed"])
    assert "`.env` is larger than what is read of `.env*` files" in ran.text


def test_a_thousand_secrets_in_files_are_too_many(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DB_PASSWORD=correct-horse-9\n")
    (tmp_path / ".env.a").write_text("".join(f"A{n}_KEY=secret-number-{n}\n" for n in range(MOST_VALUES)))
    redactor = read_redactor(tmp_path, {"PAY_TOKEN": "q8Zr7Lm2-x9"})
    assert redactor.text("correct-horse-9 q8Zr7Lm2-x9 secret-number-1 ") == (
        "[redacted DB_PASSWORD] [redacted PAY_TOKEN] [redacted A1_KEY] "
    )
    assert redactor.unread == (".env.a",)


def test_which_variables_hold_a_secret() -> None:
    said = {
        "STRIPE_API_KEY": "q8Zr7Lm2", "GITHUB_TOKEN": "0123456789ab", "DB_PASSWORD": "correct-horse-battery",
        "DATABASE_URL": "postgres://me:hunter2hunter@db/x", "MY_CREDENTIALS": "a:b:c:d:e:f",
        "PATH": "/usr/bin:/bin", "SECRET_FILE": "whatever-it-is-1", "TOKEN_PATH": "~/x/y/zzz",
        "SSH_KEY": "/home/me/.ssh/id",
        "MYSQL_PWD": "tiger-of-9", "REDISCLI_AUTH": "q8Zr7Lm2", "SMTP_PASS": "q8Zr7Lm2", "SSHPASS": "q8Zr7Lm2",
        "HARNESS_ENV_PASS": "STRIPE_API_KEY,X", "OLDPWD": "q8Zr7Lm2", "BYPASS": "q8Zr7Lm2",
        "KEYBOARD": "de-latin1-nodeadkeys", "API_KEY": "short1", "TOKENIZERS_PARALLELISM": "false-false",
        "SECRET": "development", "SOME_TOKEN": "12345678", "AUTH_TOKEN_URL": "https://auth.example.com/token",
    }  # fmt: skip
    assert sorted(find_secrets(said)) == [
        "DATABASE_URL",
        "DB_PASSWORD",
        "GITHUB_TOKEN",
        "MYSQL_PWD",
        "MY_CREDENTIALS",
        "REDISCLI_AUTH",
        "SMTP_PASS",
        "SSHPASS",
        "STRIPE_API_KEY",
    ]


def test_env_files_are_read_and_examples_are_not(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# ours\nexport PAY_TOKEN='q8Zr7Lm2 x9' # live\nDEBUG=1\nbroken line\n")
    (tmp_path / ".env.example").write_text("MAIL_TOKEN=put-your-token-here\n")
    assert parse_env((tmp_path / ".env").read_text()) == {"PAY_TOKEN": "q8Zr7Lm2 x9", "DEBUG": "1"}
    redactor = read_redactor(tmp_path, {"PAY_TOKEN": "another-1-value"})
    said = redactor.text("q8Zr7Lm2 x9, another-1-value, put-your-token-here")
    assert said == "[redacted PAY_TOKEN in .env], [redacted PAY_TOKEN], put-your-token-here"


def test_an_env_file_in_utf_16_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PAY_TOKEN=q8Zr7Lm2-x9\r\n", "utf-16")
    assert read_redactor(tmp_path, {}).text("q8Zr7Lm2-x9") == "[redacted PAY_TOKEN]"


@pytest.mark.deep
def test_words_of_harness_stay_readable_though_a_secret_equals_them(world: World, harness: Any) -> None:
    spec = world.spec("login", checks="true")
    world.spec("asks", depends_on=["login"])
    words = [
        "proven by harness",
        "written by harness (exit 4",
        "blocked, asks)",
        "spec: sha256",
        "done (by hand)",
        '"halt": null',
    ]
    words += ['"features"', '"attempts":', sha256(spec.read_bytes()).hexdigest(), "confirmed-by-me"]
    (world.root / ".env").write_text("".join(f"K{n}_TOKEN='{word}'\n" for n, word in enumerate(words)))
    world.repository()
    world.agent(
        f'if [ $slug = asks ]; then echo "BLOCKED: confirmed-by-me?" >> "$log"; exit; fi; {CLAIM} confirmed-by-me'
    )
    assert world.run().code == 4
    world.config_file()
    assert parse_receipt(world.log("login.done")).kind == "proven"
    assert world.git("rev-parse", "HEAD") in world.log("login.done")
    assert "confirmed-by-me" not in (world.root / "HALT").read_text()
    assert [(one["slug"], one["state"]) for one in harness("status", "--json").json["features"]] == [
        ("login", "done (not shown)"),
        ("asks", "blocked"),
    ]
    assert "HALT is removed" in harness("answer", "asks", "yes").out
    spec.write_text(spec.read_text() + "\nAnd more.\n")
    assert world.states() == {"login": "stale", "asks": "ready"}
    assert "confirmed-by-me" not in harness("why", "asks").out + world.log("asks.blocked") + world.log("journal.jsonl")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\ufeffAPI_TOKEN=Zk9vQx7LmP2sWd8RtY\n", "Zk9vQx7LmP2sWd8RtY"),
        ("API_TOKEN: Zk9vQx7LmP2sWd8RtY\r\nB: 2\r\n", "Zk9vQx7LmP2sWd8RtY"),
        ('A=1\nAPI_TOKEN="first line\nsecond # line"\nB=2\n', "first line\nsecond # line"),
        ('API_TOKEN="one\\ntwo \\"quoted\\""\n', 'one\ntwo "quoted"'),
        ("API_TOKEN='never closed\nB=2\n", "'never closed"),
    ],
)
def test_a_value_is_read_as_the_tools_that_load_it_do(text: str, value: str) -> None:
    assert parse_env(text)["API_TOKEN"] == value


def test_each_long_line_of_a_value_is_a_secret() -> None:
    redactor = Redactor(find_secrets({"PRIVATE_KEY": "-----BEGIN-----\nZk9vQx7LmP2sWd8RtYab\nshort\n"}))
    assert redactor.text("the line Zk9vQx7LmP2sWd8RtYab, short") == "the line [redacted PRIVATE_KEY], short"
