"""Each well-known token is known by its shape, and no line of ordinary code or prose is taken for one."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from harness.system.redact import Redactor
from harness.system.token_shapes import SHAPES

DECOYS = ("chaos-7f3a9c1d-", '"sk-ant-api03-"')  # in our code, to be taken for secrets
HERE = Path(__file__).parents[2]


def some(count: int) -> str:
    """Letters and digits as a generator of tokens makes them."""
    return ("a1B2c3D4e5F6g7H8j9K0" * (count // 20 + 1))[:count]


def digits(count: int) -> str:
    """Hexadecimal digits."""
    return ("0f1e2d3c4b5a6978" * (count // 16 + 1))[:count]


def big(count: int) -> str:
    """Capitals and digits."""
    return ("A7B3C6D2E5F4G7H2" * (count // 16 + 1))[:count]


UUID = f"{digits(8)}-{digits(4)}-4{digits(3)}-a{digits(3)}-{digits(12)}"
# A token is made of what it begins with and the rest, so that no scanner of repositories takes this file for a leak.
TOKENS = [
    ("Anthropic key", "sk-ant-api03-", some(93)),
    ("Anthropic key", "sk-ant-oat01-", some(93)),
    ("OpenRouter key", "sk-or-v1-", digits(64)),
    ("OpenAI key", "sk-", some(48)),
    ("OpenAI key", "sk-proj-", some(74)),
    ("OpenAI key", "sk-svcacct-", some(58)),
    ("Groq key", "gsk_", some(52)),
    ("xAI key", "xai-", some(80)),
    ("Cerebras key", "csk-", some(48)),
    ("Perplexity key", "pplx-", some(48)),
    ("NVIDIA key", "nvapi-", some(64)),
    ("Replicate token", "r8_", some(37)),
    ("Hugging Face token", "hf_", some(34)),
    ("Hugging Face token", "api_org_", some(34)),
    ("LangSmith key", "lsv2_pt_", digits(32) + "_" + digits(10)),
    ("Pinecone key", "pcsk_", some(70)),
    ("Tavily key", "tvly-", "dev-" + some(32)),
    ("Amazon Bedrock key", "ABSK", some(110)),
    ("Amazon Bedrock key", "bedrock-api-key-", "YmVkcm9jay5hbWF6b25hd3MuY29t"),
    *(("GitHub token", f"gh{kind}_", some(36)) for kind in "pousr"),
    ("GitHub fine-grained token", "github_pat_", some(82)),
    *(("GitLab token", f"gl{kind}-", some(40)) for kind in ("pat", "dt", "ptt", "rt", "ft", "imt", "oas", "soat")),
    ("GitLab token", "GR1348941", some(20)),
    ("GitLab token", "glcbt-", "64_" + some(20)),
    ("Bitbucket token", "ATBB", some(32)),
    ("Bitbucket token", "ATCTT3xF", some(180)),
    ("Atlassian token", "ATATT3", some(186)),
    ("Linear key", "lin_api_", some(40)),
    ("Linear key", "lin_oauth_", digits(64)),
    ("Sourcegraph token", "sgp_", digits(16) + "_" + digits(40)),
    ("npm token", "npm_", some(36)),
    ("PyPI token", "pypi-", "AgEIcHlwaS5vcmc" + some(120)),
    ("RubyGems token", "rubygems_", digits(48)),
    ("NuGet key", "oy2", some(43).lower()),
    ("crates.io token", "cio", some(32)),
    ("Clojars token", "CLOJARS_", digits(60)),
    ("Docker token", "dckr_pat_", some(27)),
    ("Docker token", "dckr_oat_", some(32)),
    ("Artifactory key", "AKCp", some(69)),
    ("Artifactory token", "cmVmd", some(59)),
    ("CircleCI token", "CCIPAT_", some(22) + "_" + digits(40)),
    ("Buildkite token", "bkua_", digits(40)),
    ("Figma token", "figd_", some(40)),
    ("Notion token", "ntn_", "12345678901" + some(35)),
    ("Notion token", "secret_", some(43)),
    ("Airtable token", "pat", some(14) + "." + digits(64)),
    ("Postman key", "PMAK-", digits(24) + "-" + digits(34)),
    ("Contentful token", "CFPAT-", some(43)),
    ("AWS key id", "AKIA", big(16)),
    ("AWS key id", "ASIA", big(16)),
    ("Google API key", "AIza", some(35)),
    ("Google OAuth token", "ya29.", some(120)),
    ("Google OAuth token", "1//0", some(90)),
    ("Google client secret", "GOCSPX-", some(28)),
    ("Azure account key", "AccountKey=", some(86) + "=="),
    ("Azure account key", "SharedAccessKey=", some(43) + "="),
    ("Azure signature", "?se=2026&sig=", some(43) + "%3D"),
    ("Azure client secret", "xY7", "8Q~" + some(33)),
    ("Alibaba key id", "LTAI", some(20)),
    ("DigitalOcean token", "dop_v1_", digits(64)),
    ("DigitalOcean token", "doo_v1_", digits(64)),
    ("DigitalOcean token", "dor_v1_", digits(64)),
    ("Cloudflare token", "cfut_", some(48)),
    ("Cloudflare origin key", "v1.0-", digits(24) + "-" + digits(146)),
    ("Heroku key", "HRKU-", "AA" + some(58)),
    ("assigned secret", "HEROKU_API_KEY=", UUID),
    ("assigned secret", "CLOUDFLARE_API_TOKEN=", some(40)),
    ("Fly.io token", "fo1_", some(43)),
    ("Fly.io token", "fm2_", some(120)),
    ("Netlify token", "nfp_", some(36)),
    ("Supabase key", "sbp_", digits(40)),
    ("Supabase key", "sb_secret_", some(31)),
    ("Scalingo token", "tk-us-", some(48)),
    ("Vault token", "hvs.", some(95)),
    ("Vault token", "hvs.", "CAESI" + some(24)),
    ("Vault token", "hvb.", some(140)),
    ("Terraform token", some(14) + ".", "atlasv1." + some(67)),
    ("Pulumi token", "pul-", digits(40)),
    ("OpenShift token", "sha256~", some(43)),
    ("Doppler token", "dp.pt.", some(43)),
    ("Doppler token", "dp.st.", "dev_main." + some(43)),
    ("Databricks token", "dapi", digits(32)),
    ("ClickHouse key", "4b1d", some(38)),
    ("PlanetScale token", "pscale_tkn_", some(43)),
    ("1Password token", "ops_eyJ", some(250)),
    ("1Password key", "A3-", f"{big(6)}-{big(11)}-{big(5)}-{big(5)}-{big(5)}"),
    ("age key", "AGE-SECRET-KEY-1", big(58)),
    ("Tailscale key", "tskey-auth-", some(17) + "-" + some(32)),
    ("Prefect token", "pnu_", some(36)),
    ("Infracost key", "ico-", some(32)),
    ("Octopus key", "API-", big(26)),
    ("LaunchDarkly key", "sdk-", UUID),
    ("Sentry token", "sntrys_", "eyJpYXQiO" + some(100) + "_" + some(43)),
    ("Sentry token", "sntryu_", digits(64)),
    ("Grafana token", "glsa_", some(32) + "_" + digits(8)),
    ("Grafana token", "glc_", some(100)),
    ("Grafana key", "eyJrIjoi", some(80)),
    ("Dynatrace token", "dt0c01.", big(24) + "." + big(64)),
    ("New Relic key", "NRAK-", big(27)),
    ("PostHog key", "phx_", some(43)),
    ("ReadMe key", "rdme_", digits(70)),
    *(("Slack token", f"xox{kind}-", f"123456789012-1234567890123-{some(24)}") for kind in "abeoprscd"),
    ("Slack token", "xapp-", f"1-A0123-123-{digits(64)}"),
    ("Slack webhook", "hooks.slack.com/services/", f"{big(9)}/{big(9)}/{some(24)}"),
    ("Teams webhook", "https://x.webhook.office.com/webhookb2/", f"{UUID}@{UUID}/IncomingWebhook/{digits(32)}"),
    ("Discord webhook", "discord.com/api/webhooks/123456789012345678/", some(68)),
    ("Discord token", "MTE4", f"{some(22)}.Ga1b2c.{some(38)}"),
    ("Telegram token", "123456789:", "AA" + some(33)),
    ("Twilio key", "SK", digits(32)),
    ("Twilio key", "AC", digits(32)),
    ("SendGrid key", "SG.", f"{some(22)}.{some(43)}"),
    ("Brevo key", "xkeysib-", f"{digits(64)}-{some(16)}"),
    ("Mailgun key", "key-", digits(32)),
    ("Mailchimp key", digits(32), "-us14"),
    ("Resend key", "re_", f"{some(8)}_{some(24)}"),
    ("Stripe key", "sk_live_", some(24)),
    ("Stripe key", "rk_test_", some(24)),
    ("Stripe webhook secret", "whsec_", some(32)),
    ("Square token", "EAAA", some(60)),
    ("Square token", "sq0atp-", some(22)),
    ("Facebook token", "EAAM", some(120)),
    *(("Shopify token", f"shp{kind}_", digits(32)) for kind in ("at", "ca", "pa", "ss")),
    ("Shippo token", "shippo_live_", digits(40)),
    ("EasyPost key", "EZAK", some(54)),
    ("Duffel token", "duffel_live_", some(43)),
    ("Flutterwave key", "FLWSECK_TEST-", digits(32) + "-X"),
    ("Frame.io token", "fio-u-", some(64)),
    ("Adobe client secret", "p8e-", some(32)),
    ("JWT", "eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0In0." + some(43)),
    ("bearer token", "Authorization: Bearer ", some(24)),
    ("password in a URL", "postgres://app:", "hunter2@"),
    ("password", "PGPASSWORD=", "hunter two"[:7]),
    ("password", "MYSQL_PWD=", "tiger"),
    ("password", "PGPASSWORD: ", "correct-horse"),
    ("password", 'SSHPASS="', "opensesame"),
    ("assigned secret", "aws_secret_access_key = ", some(40)),
    ("assigned secret", "CODECOV_TOKEN=", UUID),
    ("assigned secret", "SESSION_SECRET='", some(32)),
    ("SonarQube token", "squ_", digits(40)),
    ("Typeform token", "tfp_", some(59)),
    ("Harness token", "pat.", f"{some(22)}.{digits(24)}.{some(20)}"),
    ("Yandex key", "AQVN", some(38)),
    ("MaxMind key", some(6), f"_{some(29)}_mmk"),
    ("Plaid token", "access-production-", UUID),
    ("SettleMint token", "sm_pat_", some(16)),
]


@pytest.mark.parametrize("around", ["{}", "said {} twice", "a\n{}\nb", "é{}"], ids=["alone", "in prose", "a line", "é"])
def test_every_kind_of_token_is_known_by_its_shape(around: str) -> None:
    redactor, missed = Redactor(), []
    for name, begins, rest in TOKENS:
        if around == "é{}" and begins[0] == begins[0].lower() == begins[0].upper():
            continue
        for text in (around.format(begins + rest), json.dumps({"text": around.format(begins + rest)})):
            clean = redactor.text(text)
            raw = redactor.raw(text.encode())
            if f"[redacted {name}]" not in clean or rest in clean or raw != clean.encode():
                missed.append((name, clean))
    assert missed == []


def test_every_shape_has_a_token_here() -> None:
    assert {shape.name for shape in SHAPES} == {name for name, _, _ in TOKENS}


@pytest.mark.parametrize(
    "line",
    [
        "PGPASSWORD=$PASSWORD psql",
        'PGPASSWORD="${DB_PASSWORD}"',
        "PGPASSWORD = os.environ['PGPASSWORD']",
        "export MYSQL_PWD=<yours>",
        "POSTGRES_PASSWORD={{ password }}",
        "the variable PGPASSWORD: see below",
        "redis://:$REDIS_PASSWORD@cache",
        "postgres://{user}:{password}@{host}",
        "https://user:password@example.com",
        "AccountKey=<your key>",
        "gsk_example_key_here_please",
        "hvs.renew_the_token_of_this_lease_now",
        "sk-or-the-other-thing-that-is-no-key",
        "SG.compose_the_mail.and_send_it_away",
        "secret_of_the_whole_kingdom_by_night",
    ],
)
def test_what_only_looks_like_one_stays(line: str) -> None:
    assert Redactor().text(line) == line


def lines_of_code_and_prose() -> Iterator[str]:
    """Five thousand lines from all over Python's own library, our code and manual, and our commits where they are."""
    library = Path(sysconfig.get_path("stdlib"))
    modules = sorted(path for path in library.glob("*.py") if path.is_file())
    ours = [path for path in sorted(HERE.rglob("harness/**/*.py")) if ".venv" not in path.parts]
    for path in modules[::4]:
        yield from islice(path.read_text("utf-8", "replace").splitlines(), 0, None, 9)
    for path in (*ours, HERE / "README.md", HERE / "CHANGELOG.md", HERE / "CONTRIBUTING.md"):
        yield from path.read_text("utf-8").splitlines()
    log = subprocess.run(
        ["git", "log", "--format=%H %T %an, %ad: %s", "-n", "500"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    yield from log.stdout.splitlines()


@pytest.mark.deep
def test_no_line_of_ordinary_code_or_prose_is_taken_for_a_token() -> None:
    redactor, lines = Redactor(), list(dict.fromkeys(lines_of_code_and_prose()))
    lines = [line for line in lines if not any(decoy in line for decoy in DECOYS)]
    assert len(lines) > 5_000
    text = "\n".join(lines)
    changed = redactor.text(text)
    assert [(a, b) for a, b in zip(lines, changed.split("\n"), strict=True) if a != b] == []
    assert [line for line in lines[::20] if redactor.text(line) != line] == []
