"""Secrets leave no trace in what harness writes; what is none stays as it is."""

from __future__ import annotations

import base64
import json
import random
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from helpers.marks import in_short
from helpers.world import World
from hypothesis import given
from hypothesis import strategies as st

from harness.system.redact import LineRedactor, Redactor

KEY = "sk-" + "ant-api03-" + "Ab9_" * 10
VALUE = 'Tr0ub4dor"&3 /ünï\\x'
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 3
# in pieces, so that no scanner of repositories takes this file for a leak
KINDS = {
    "Anthropic key": KEY,
    "OpenAI key": "sk-" + "proj-" + "Zx8Q" * 10,
    "OpenAI key, classic": "sk-" + "aB3d" * 12,
    "GitHub token": "ghp" + "_" + "a1B2" * 9,
    "GitHub fine-grained token": "github" + "_pat_" + "11ABCDEFG0" * 5,
    "GitLab token": "glpat" + "-" + "x9Yz" * 5,
    "Google API key": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6q",
    "Google OAuth token": "ya29" + ".a0AfH6SMBx7y8z9" + "Qw3e" * 5,
    "AWS key id": "AKIA" + "IOSFODNN7EXAMPLE",
    "npm token": "npm" + "_" + "a1B2" * 9,
    "PyPI token": "pypi" + "-AgEIcHlwaS5vcmc" + "Cj9k" * 12,
    "Slack token": "xoxb" + "-123456789012-abcdefGHIJKL",
    "Stripe key": "sk" + "_live_" + "a1B2" * 6,
    "Hugging Face token": "hf" + "_" + "aBcD1" * 7,
    "JWT": "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0In0" + ".dozjgNryP4J3jVmN",
    "private key": f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY}\n-----END RSA PRIVATE KEY-----",
    "bearer token": "Authorization: Bearer 7f3a9c1d5e8b2046af",
    "password in a URL": "postgres://app:hunter2hunter@db.internal/app",
    "assigned secret": 'aws_secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"',
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("around", ["{}", "said {} twice", '{{"text":"{}"}}'], ids=["alone", "in prose", "in JSON"])
def test_every_kind_of_token_is_known_by_its_shape(kind: str, around: str) -> None:
    secret = KINDS[kind]
    text = (
        around.format(secret) if "JSON" not in around and "text" not in around else json.dumps({"text": f"a\n{secret}"})
    )
    clean = Redactor().text(text)
    assert f"[redacted {kind.split(',')[0]}]" in clean
    assert ("hunter2hunter" if kind == "password in a URL" else secret.split(":")[-1][-14:-4]) not in clean
    assert Redactor().raw(text.encode()) == clean.encode()


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(VALUE, id="as it is"),
        pytest.param(json.dumps(VALUE)[1:-1], id="in JSON"),
        pytest.param(json.dumps(VALUE, ensure_ascii=False)[1:-1], id="in JSON with letters of its own"),
        pytest.param(quote(VALUE, safe=""), id="in a URL"),
        pytest.param(VALUE.encode().hex(), id="as hex"),
        pytest.param(base64.b64encode(VALUE.encode()).decode().rstrip("="), id="as base64"),
        pytest.param(base64.b64encode(b"user:" + VALUE.encode()).decode(), id="in a login as base64"),
    ],
)
def test_a_known_value_is_found_in_every_form(form: str) -> None:
    clean = Redactor({"DB_PASSWORD": VALUE}).text(f"x {form} y")
    assert "[redacted DB_PASSWORD]" in clean
    assert form[4:-4] not in clean


def ordinary_lines() -> list[str]:
    """Lines as build tools, tests, agents and git print them: with hashes, paths, ids, counts and the word token."""
    chance = random.Random(7)
    words = ("parser", "token", "cache", "key", "secret", "login", "password", "build", "worker", "queue", "index")

    def word() -> str:
        return chance.choice(words)

    def digits(count: int) -> str:
        return "".join(chance.choice("0123456789abcdef") for _ in range(count))

    makers = (
        lambda: f"2026-11-21T03:{chance.randrange(60):02}:05.678Z INFO {word()}: {chance.randrange(9999)} items",
        lambda: f"commit {digits(40)} Add the {word()} of the {word()}",
        lambda: f"tests/test_{word()}.py::test_the_{word()}_is_{word()} PASSED [{chance.randrange(100)}%]",
        lambda: f'{{"type":"assistant","usage":{{"input_tokens":{chance.randrange(99999)},"output_tokens":12}}}}',
        lambda: f'  File "/srv/app/{word()}/{word()}.py", line {chance.randrange(999)}, in {word()}_{word()}',
        lambda: f"sha256:{digits(64)} {word()}-{chance.randrange(9)}.tar.gz",
        lambda: (
            f"max_tokens: {chance.randrange(99999)}, token_count={chance.randrange(10**7)}, {word()}_id={digits(8)}"
        ),
        lambda: f"GET https://example.com/{word()}/{digits(12)}?page={chance.randrange(99)} 200 in 12ms",
        lambda: f"npm warn deprecated {word()}@{chance.randrange(9)}.0.1: use {word()} instead",
        lambda: f"password = get_password_from_env2('{word()}'); api_key = os.environ['API_KEY_{chance.randrange(9)}']",
        lambda: f"session {digits(8)}-{digits(4)}-4{digits(3)}-a{digits(3)}-{digits(12)} msg_01{digits(22)}",
        lambda: f"the {word()} is invalid: expected a bearer token, got {word()}; Authorization header missing",
        lambda: f'cache_key={digits(32)} etag="{digits(32)}" {word()}=={chance.randrange(9)}.{chance.randrange(9)}',
        lambda: f"git@github.com:team/{word()}.git ssh://git@host:22/{word()} task-{digits(6)} risk-{word()}-{word()}",
    )
    return [makers[number % len(makers)]() for number in range(2_000)]


def test_two_thousand_ordinary_lines_stay_as_they_are() -> None:
    redactor = Redactor({"DB_PASSWORD": VALUE})
    assert [line for line in ordinary_lines() if redactor.text(line) != line] == []


def test_it_keeps_up_with_an_agent_that_prints_fast() -> None:
    redactor = Redactor({f"NAME_{n}_KEY": f"{n}q8Zr7-some-value-{n * 7919}" for n in range(10)})
    chunk = "\n".join(ordinary_lines()).encode() * 8
    began = time.process_time()
    redactor.raw(chunk)
    assert (
        len(chunk) / (time.process_time() - began) > 2e6
    )  # bytes a second of this process; 5 MB/s and more on an idle machine


@given(st.data())
def test_a_secret_that_comes_in_pieces_is_found(data: st.DataObject) -> None:
    text = f'{{"a":"{KEY}"}}\nsecond {KINDS["npm token"]}\n{KINDS["private key"]}\nlast {KEY}'.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    lines = LineRedactor(Redactor())
    parts = [lines.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert b"".join([*parts, lines.end()]) == Redactor().raw(text)


def test_a_line_without_end_is_not_held_for_ever_and_no_token_in_it_is_cut_in_two() -> None:
    lines = LineRedactor(Redactor())
    text = b"x " * 700_000 + KEY.encode() + b" y" * 700_000
    out = [lines.feed(text[at : at + 99_991]) for at in range(0, len(text), 99_991)]
    assert sum(map(len, out[:14])) > 1_000_000
    assert b"".join([*out, lines.end()]) == text.replace(KEY.encode(), b"[redacted Anthropic key]")


@given(st.lists(st.sampled_from(["n4bcdefgh", "\n4bcdefgh", "\\", '"', KEY, "\n", "ü", "u00e9", VALUE, "plain"])))
def test_a_line_of_json_stays_one(parts: list[str]) -> None:
    redactor = Redactor({"A_TOKEN": "n4bcdefgh", "B_TOKEN": VALUE})
    for ascii_only in (True, False):
        line = json.dumps({"text": "".join(parts)}, ensure_ascii=ascii_only)
        assert VALUE not in json.loads(redactor.raw(line.encode()))["text"]


AGENT = f"""
echo "env has $STRIPE_API_KEY and {KEY}"; echo "err $STRIPE_API_KEY" >&2
note "the key is $STRIPE_API_KEY"; echo "- 2026-01-01: use {KEY}" >> "$learnings"
if [ "$attempt" = 1 ]; then echo "BLOCKED: is $STRIPE_API_KEY right?" >> "$log"; exit; fi
echo "used $STRIPE_API_KEY" > "$done"
"""


def test_no_file_that_harness_writes_holds_a_secret(world: World) -> None:
    secret = "q8Zr7Lm2-x9-not-for-logs"
    world.spec("a", checks='echo "check sees $STRIPE_API_KEY"; test -f .answered', body=f"Use {KEY}.")
    world.agent(AGENT)
    environ = {**world.environ, "STRIPE_API_KEY": secret, "HARNESS_ENV_PASS": "STRIPE_API_KEY"}
    ran = world.run(environ=environ)
    assert ran.code == 4, ran.text
    assert "[redacted STRIPE_API_KEY]" in (world.root / "HALT").read_text()
    assert "is [redacted STRIPE_API_KEY] right?" in world.log("a.blocked")
    (world.root / "HALT").unlink()
    (world.root / "logs" / "a.answer").write_text(f"no, {secret}2")
    ran = world.run(environ=environ, max_iterations=1)
    assert world.outcomes() == ["blocked", "unconfirmed"]
    (world.root / ".answered").touch()
    ran = world.run(environ=environ)
    assert ran.code == 0
    assert "used [redacted STRIPE_API_KEY]" in world.log("a.done")
    assert "check sees [redacted STRIPE_API_KEY]" in world.log("attempts/a/0002/checks.log")
    assert "its note held a secret" in world.prompt("a", 2)
    texts = {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file() and "specs" not in path.parts}
    assert [path for path, raw in texts.items() if secret.encode() in raw or KEY.encode() in raw] == []
    assert secret not in ran.text
    assert not world.events("tampered")


BEGIN, END = b"-----BEGIN " + b"PRIVATE KEY-----", b"-----END " + b"PRIVATE KEY-----"
KNOWN = "Zk93jfTq8812LmQx"


def cost(work: Callable[[], Any]) -> float:
    """The least processor time of some tries."""
    tries = []
    for _ in range(7):
        began = time.process_time()
        work()
        tries.append(time.process_time() - began)
    return min(tries)


FLOODS = {
    "keys that begin": BEGIN + b"!",
    "keys with a quote in them": BEGIN + b"!" + b'"' + END,
    "ends that are none": b"-----END " + BEGIN + b"!",
    "keys of blanks": BEGIN + b" " * 90 + b"!",
    "a known value": KNOWN.encode() + b"!",
    "tokens that begin": b"xai-hvs.sk-or-dp.pt.1//0eyJeyJ.eyJ.SG.A3-api_key=://PGPASSWORD=Q~sig=/api/webhooks/MTa.G-",
}


@pytest.mark.parametrize("line", in_short(FLOODS, "keys that begin"))
@pytest.mark.deep
def test_sixteen_times_the_text_costs_about_sixteen_times_as_much(line: bytes) -> None:
    redactor, few = Redactor({"PAY_TOKEN": KNOWN}), 1024 // len(line) + 1
    little, much = line * few, line * few * 16
    huge, whole = line * few * 64, line * few * 1024
    assert cost(lambda: redactor.raw(much)) < 64 * cost(lambda: redactor.raw(little))  # squared it is 256 times
    assert cost(lambda: redactor.raw(whole)) < 64 * cost(lambda: redactor.raw(huge))


BY_PATTERN = re.compile(  # the same rule as one pattern, which looks at 16 KiB behind each first line
    rb"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----(?:[^\"]{1,16384}?-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----"
    rb"|[A-Za-z0-9+/=\\\s:,-]{0,16384}[A-Za-z0-9+/=])?"
)


@given(st.lists(st.sampled_from([BEGIN, END, b"QUJD\n", b"!", b'"', b" ", b"-", b"!" * 16_380, b"Q" * 16_380])))
def test_a_key_ends_where_its_last_line_is(parts: list[bytes]) -> None:
    text = b"".join(parts)
    assert Redactor().raw(text) == BY_PATTERN.sub(b"[redacted private key]", text)


@pytest.mark.deep
def test_a_flood_of_keys_that_begin_is_heard_in_pieces_as_fast() -> None:
    def hear(data: bytes) -> None:
        lines = LineRedactor(Redactor())
        for at in range(0, len(data), 4096):
            lines.feed(data[at : at + 4096])
        lines.end()

    line = (BEGIN + b"!") * 10 + b"\n"
    assert cost(lambda: hear(line * 1600)) < 40 * cost(lambda: hear(line * 100))
