r"""The shapes of well-known tokens: what each begins with, and what follows. A table, and nothing else.

Sources: the rules of gitleaks 8 for most; for what it lacks (Azure, Cerebras, CircleCI, Cloudflare's new tokens,
Docker, Figma, Groq, LangSmith, Mailgun, Netlify, New Relic, NVIDIA, OpenRouter, Pinecone, Replicate, Resend, Supabase,
Tailscale, Tavily, xAI) the pages on which the providers describe their keys. A length is the least that is taken for
a token, and less than any real one has: providers lengthen their keys, and a part of one is a secret too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of token.

    A text holds none where it has none of the `words`: a search for them is far quicker than the `pattern`. Where the
    pattern has a group, the group alone is the secret.
    """

    name: str
    words: tuple[str, ...]
    pattern: str


# Before a token stands no letter or digit, unless they belong to an escape of JSON (`\nsk-…`, `\u00e9sk-…`).
_EDGE = r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
_END = r"(?![A-Za-z0-9])"
# What follows the beginning. A digit must be among it where words could follow as well.
_LETTERS = r"[A-Za-z0-9]{20,}"
_WORD = r"(?=[A-Za-z_-]{0,200}\d)[A-Za-z0-9_-]{20,}"
_MIXED = r"(?=[A-Za-z]{0,200}\d)[A-Za-z0-9]{20,}"
_HEX = r"[A-Fa-f0-9]{32,}" + _END
_BASE64 = r"(?=[A-Za-z+/]{0,200}\d)[A-Za-z0-9+/]{32,}={0,2}"
_DOTTED = r"(?=[A-Za-z_.=-]{0,200}\d)[A-Za-z0-9_.=-]{20,}"
_UUID = r"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}" + _END


def _begins(name: str, beginnings: str, rest: str) -> Iterator[Shape]:
    """Return the shape of a token for each word that it may begin with; the words are parted by blanks.

    The word comes first in the pattern, and what stands before it is looked at behind it: this is much quicker.
    """
    for beginning in beginnings.split():
        word = re.escape(beginning)
        edge = _EDGE.replace(")|", f"{word})|").replace("))", f"{word}))")
        yield Shape(name, (beginning,), word + edge + rest)


_MODELS = (
    *_begins("Anthropic key", "sk-ant-", r"[A-Za-z0-9_-]{20,}"),
    *_begins("OpenRouter key", "sk-or-", _WORD),
    *_begins(
        "OpenAI key", "sk-", r"(?:(?:proj|svcacct|service|admin|None)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})"
    ),
    *_begins("Groq key", "gsk_", _MIXED),
    *_begins("xAI key", "xai-", _MIXED),
    *_begins("Cerebras key", "csk-", _MIXED),
    *_begins("Perplexity key", "pplx-", _MIXED),
    *_begins("NVIDIA key", "nvapi-", _WORD),
    *_begins("Replicate token", "r8_", _MIXED),
    *_begins("Hugging Face token", "hf_ api_org_", r"[A-Za-z0-9]{30,}"),
    *_begins("LangSmith key", "lsv2_pt_ lsv2_sk_", _WORD),
    *_begins("Pinecone key", "pcsk_", _WORD),
    *_begins("Tavily key", "tvly-", _WORD),
    *_begins("Amazon Bedrock key", "ABSK", r"[A-Za-z0-9+/]{100,}={0,2}"),
    *_begins("Amazon Bedrock key", "bedrock-api-key-", r"[A-Za-z0-9+/=]{20,}"),
)  # fmt: skip

_CODE_AND_PACKAGES = (
    *_begins("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{30,}"),
    *_begins("GitHub fine-grained token", "github_pat_", r"[A-Za-z0-9_]{30,}"),
    *_begins(
        "GitLab token", "glpat- gldt- glptt- glrt- glcbt- glft- glimt- glagent- gloas- glsoat- glffct- GR1348941",
        r"[A-Za-z0-9_.-]{20,}",
    ),
    *_begins("Bitbucket token", "ATBB ATCTT3", r"[A-Za-z0-9_=-]{28,}"),
    *_begins("Atlassian token", "ATATT3", r"[A-Za-z0-9_=-]{40,}"),
    *_begins("Linear key", "lin_api_ lin_oauth_", _LETTERS),
    *_begins("Sourcegraph token", "sgp_", r"(?:(?:[A-Fa-f0-9]{16}|local)_)?[A-Fa-f0-9]{40}"),
    *_begins("npm token", "npm_", r"[A-Za-z0-9]{36}"),
    *_begins("PyPI token", "pypi-", r"[A-Za-z0-9_-]{50,}"),
    *_begins("RubyGems token", "rubygems_", _HEX),
    *_begins("NuGet key", "oy2", r"[a-z0-9]{43}" + _END),
    *_begins("crates.io token", "cio", r"[A-Za-z0-9]{32}" + _END),
    *_begins("Clojars token", "CLOJARS_", r"[A-Za-z0-9]{40,}"),
    *_begins("Docker token", "dckr_pat_ dckr_oat_", r"[A-Za-z0-9_-]{20,}"),
    *_begins("Artifactory key", "AKCp", r"[A-Za-z0-9]{60,}"),
    *_begins("Artifactory token", "cmVmd", r"[A-Za-z0-9]{59}" + _END),
    *_begins("CircleCI token", "CCIPAT_", r"[A-Za-z0-9_]{20,}"),
    *_begins("Buildkite token", "bkua_", _HEX),
    *_begins("Figma token", "figd_ figo_", r"[A-Za-z0-9_-]{20,}"),
    *_begins("Notion token", "ntn_", _MIXED),
    *_begins("Notion token", "secret_", r"(?=[A-Za-z]{0,42}\d)[A-Za-z0-9]{43}" + _END),
    *_begins("Airtable token", "pat", r"[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    *_begins("Postman key", "PMAK-", r"[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34}"),
    *_begins("Contentful token", "CFPAT-", r"[A-Za-z0-9_-]{20,}"),
    *_begins("SonarQube token", "squ_ sqp_ sqa_", r"[A-Fa-f0-9]{40}" + _END),
    *_begins("Typeform token", "tfp_", r"(?=[A-Za-z_.=-]{0,58}\d)[A-Za-z0-9_.=-]{59}"),
    *_begins("Harness token", "pat. sat.", r"[A-Za-z0-9_-]{22}\.[a-f0-9]{24}\.[A-Za-z0-9]{20}"),
)  # fmt: skip

_CLOUDS = (
    *_begins("AWS key id", "AKIA ASIA ABIA ACCA", r"[A-Z2-7]{16}" + _END),
    *_begins("Google API key", "AIza", r"[A-Za-z0-9_-]{35}"),
    *_begins("Google OAuth token", "ya29.", r"[A-Za-z0-9_-]{20,}"),
    *_begins("Google OAuth token", "1//0", r"[A-Za-z0-9_-]{40,}"),
    *_begins("Google client secret", "GOCSPX-", r"[A-Za-z0-9_-]{20,}"),
    Shape("Azure account key", ("ccountKey=", "ccessKey="), r"(?:Account|Access)Key=([A-Za-z0-9+/]{40,}={0,2})"),
    Shape("Azure signature", ("sig=",), r"(?<=[?&;])sig=([A-Za-z0-9%+/]{40,}(?:%3[Dd]|=))"),
    Shape("Azure client secret", ("Q~",), _EDGE + r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),
    *_begins("Alibaba key id", "LTAI", r"(?=[A-Za-z]{0,19}\d)[A-Za-z0-9]{20}" + _END),
    *_begins("DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", _HEX),
    *_begins("Cloudflare token", "cfut_ cfat_ cfk_", _MIXED),
    *_begins("Cloudflare origin key", "v1.0-", r"[a-f0-9]{24}-[a-f0-9]{100,}"),
    *_begins("Heroku key", "HRKU-", r"[A-Za-z0-9_-]{30,}"),
    *_begins("Fly.io token", "fo1_ fm1r_ fm1a_ fm2_", r"[A-Za-z0-9+/_-]{40,}={0,2}"),
    *_begins("Netlify token", "nfp_ nfc_", _MIXED),
    *_begins("Supabase key", "sbp_ sb_secret_", _WORD),
    *_begins("Scalingo token", "tk-us-", r"[A-Za-z0-9_-]{48}"),
    *_begins("Vault token", "hvs. hvb. hvr.", _WORD),
    Shape("Terraform token", (".atlasv1.",), _EDGE + r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{50,}"),
    *_begins("Pulumi token", "pul-", _HEX),
    *_begins("OpenShift token", "sha256~", r"[A-Za-z0-9_-]{43}"),
    *_begins("Doppler token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", _DOTTED),
    *_begins("Databricks token", "dapi", _HEX),
    *_begins("ClickHouse key", "4b1d", r"(?=[a-f0-9]{0,37}[A-Zg-z])[A-Za-z0-9]{38}" + _END),
    *_begins("PlanetScale token", "pscale_tkn_ pscale_oauth_ pscale_pw_", r"[A-Za-z0-9_=.-]{30,}"),
    *_begins("1Password token", "ops_eyJ", r"[A-Za-z0-9+/]{100,}={0,3}"),
    *_begins("1Password key", "A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    *_begins("age key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}"),
    *_begins("Tailscale key", "tskey-", _WORD),
    *_begins("Prefect token", "pnu_", r"[A-Za-z0-9]{36}"),
    *_begins("Infracost key", "ico-", r"[A-Za-z0-9]{32}" + _END),
    *_begins("Yandex key", "AQVN", r"[A-Za-z0-9_-]{35,}"),
    Shape("MaxMind key", ("_mmk",), _EDGE + r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk" + _END),
    *_begins("Octopus key", "API-", r"(?=[A-Z]{0,25}\d)[A-Z0-9]{26}" + _END),
    *_begins("LaunchDarkly key", "sdk- mob-", _UUID),
)  # fmt: skip

_WATCHING = (
    *_begins("Sentry token", "sntrys_ sntryu_", r"[A-Za-z0-9+/=_-]{40,}"),
    *_begins("Grafana token", "glsa_", r"[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    *_begins("Grafana token", "glc_", _BASE64),
    *_begins("Grafana key", "eyJrIjoi", r"[A-Za-z0-9]{60,}={0,3}"),
    *_begins("Dynatrace token", "dt0c01.", r"[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}"),
    *_begins("New Relic key", "NRAK- NRII- NRAA- NRJS-", r"[A-Za-z0-9_-]{19,}"),
    *_begins("PostHog key", "phx_", _MIXED),
    *_begins("ReadMe key", "rdme_", r"[a-z0-9]{60,}"),
)

_MAIL_AND_CHAT = (
    *_begins(
        "Slack token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xoxc- xoxd- xapp- xoxe.xox", r"[A-Za-z0-9-]{12,}"
    ),
    Shape(
        "Slack webhook",
        ("hooks.slack.com",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_]{20,})",
    ),
    Shape("Teams webhook", (".webhook.office.com",), r"\.webhook\.office\.com/webhookb2/([A-Za-z0-9@/-]{40,})"),
    Shape("Discord webhook", ("/api/webhooks/",), r"/api/webhooks/\d{10,20}/([A-Za-z0-9_-]{40,})"),
    Shape(
        "Discord token",
        (".G", ".X", ".Y"),
        _EDGE + r"[MNO][DTjz][A-Za-z0-9]{20,26}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
    ),
    Shape("Telegram token", (":AA",), r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{30,}"),
    *_begins("Twilio key", "SK AC", r"[a-f0-9]{32}" + _END),
    *_begins("SendGrid key", "SG.", r"(?=[A-Za-z_.-]{0,200}\d)[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    *_begins("Brevo key", "xkeysib- xsmtpsib-", r"[a-f0-9]{40,}(?:-[A-Za-z0-9]{16})?"),
    *_begins("Mailgun key", "key-", r"[a-f0-9]{32}" + _END),
    Shape("Mailchimp key", ("-us",), _EDGE + r"[a-f0-9]{32}-us\d{1,2}(?!\d)"),
    *_begins("Resend key", "re_", r"(?=[A-Za-z_]{0,40}\d)[A-Za-z0-9]{8}_[A-Za-z0-9]{24}" + _END),
)

_MONEY_AND_SHOPS = (
    *_begins("Stripe key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_", r"[A-Za-z0-9]{16,}"),
    *_begins("Stripe webhook secret", "whsec_", r"(?=[A-Za-z+/]{0,200}\d)[A-Za-z0-9+/]{24,}={0,2}"),
    *_begins("Square token", "EAAA", r"(?=[A-Za-z_-]{0,200}\d)[A-Za-z0-9_-]{50,}"),
    *_begins("Square token", "sq0atp- sq0csp-", r"[A-Za-z0-9_-]{20,}"),
    *_begins("Facebook token", "EAAM EAAC", r"[A-Za-z0-9]{100,}"),
    *_begins("Shopify token", "shpat_ shpca_ shppa_ shpss_", _HEX),
    *_begins("Shippo token", "shippo_live_ shippo_test_", _HEX),
    *_begins("EasyPost key", "EZAK EZTK", r"[A-Za-z0-9]{54}"),
    *_begins("Duffel token", "duffel_live_ duffel_test_", r"[A-Za-z0-9_=-]{40,}"),
    *_begins("Flutterwave key", "FLWSECK_TEST- FLWSECK-", r"[A-Fa-f0-9]{12,}(?:-X)?"),
    *_begins("Plaid token", "access-sandbox- access-development- access-production-", _UUID),
    *_begins("SettleMint token", "sm_pat_ sm_sat_ sm_aat_", r"(?=[A-Za-z]{0,15}\d)[A-Za-z0-9]{16,}"),
    *_begins("Frame.io token", "fio-u-", r"[A-Za-z0-9_=-]{50,}"),
    *_begins("Adobe client secret", "p8e-", r"[A-Za-z0-9]{32}" + _END),
)  # fmt: skip

# Known by what stands before them: a header, a URL, the name of a variable.
_VALUE = r"(?=[^\s\"'\\]{0,200}\d)(?=[^\s\"'\\]{0,200}[A-Za-z])[A-Za-z0-9_\-+/=.~!@#$%^&*]{12,}(?![\w(.\[])"
# Spelled out in each case: a pattern that ignores case is tried at every letter.
_ASSIGNED = "|".join(
    "[_-]?".join(spelled)
    for words in ("api key", "api token", "secret key", "access key", "account key", "private token", "client secret",
                  "auth token", "access token", "refresh token", "password", "passwd")
    for spelled in (words.split(), words.upper().split(), words.title().split(), (words[0] + words.title()[1:]).split())
)  # fmt: skip
# Variables from which programs take a password, whatever it looks like: psql, mysql, redis-cli, sshpass, sqlcmd,
# restic, borg, rsync, and those with which the images of databases are started.
_PASSWORDS = (
    "PGPASSWORD", "MYSQL_PWD", "REDISCLI_AUTH", "SSHPASS", "SQLCMDPASSWORD", "RESTIC_PASSWORD", "BORG_PASSPHRASE",
    "RSYNC_PASSWORD", "POSTGRES_PASSWORD", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD", "MARIADB_PASSWORD",
    "MARIADB_ROOT_PASSWORD", "MONGO_INITDB_ROOT_PASSWORD", "MSSQL_SA_PASSWORD", "TWINE_PASSWORD",
)  # fmt: skip
# What stands where a secret would, in manuals and templates.
_PLACEHOLDER = (
    r"(?:\$?\{[^}@]{0,80}\}|\$\w{1,80}|<[^>@]{1,80}>|%\w|[*.x]{3,20}|(?:my|your)?[Pp]ass(?:w(?:or)?d)?|[Ss]ecret)"
)
_BY_WHAT_STANDS_BEFORE = (
    Shape("JWT", ("eyJ",), _EDGE + r"eyJ[A-Za-z0-9_-]{8,600}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,}"),
    Shape(
        "bearer token",
        ("earer ", "EARER ", "asic ", "oken "),
        r"(?:[Bb]earer|BEARER|[Aa]uthorization(?:\\?[\"'])?\s{0,3}[:=]\s{0,3}(?:\\?[\"'])?(?:[Bb]asic|[Tt]oken))\s{1,3}"
        r"((?=[^\s\"'\\]{0,200}\d)[A-Za-z0-9_\-+/=.~]{16,})",
    ),
    Shape("password in a URL", ("://",), r"://[^/\s:@\"'\\]{0,100}:(?!" + _PLACEHOLDER + r"@)([^/\s@\"'\\]{3,200})@"),
    Shape(
        "password",
        _PASSWORDS,
        rf"(?:{'|'.join(_PASSWORDS)})(?:\\?[\"'])?(?:=|:\s{{1,3}})(?:\\?[\"'])?([^\s\"'\\$<>{{(*;&|`,]{{4,200}})",
    ),
    Shape(
        "assigned secret",
        ("ey", "EY", "oken", "OKEN", "ecret", "ECRET", "assw", "ASSW"),
        r"(?:" + _ASSIGNED + r")(?:\\?[\"'])?\s{0,3}[:=]\s{0,3}(?:\\?[\"'])?(" + _VALUE + ")",
    ),
    Shape(
        "assigned secret",
        ("_TOKEN=", "_SECRET="),
        r"[A-Z0-9]_(?:TOKEN|SECRET)=(?:\\?[\"'])?(?=\S{16})(" + _VALUE + ")",
    ),
)

SHAPES = (
    *_MODELS, *_CODE_AND_PACKAGES, *_CLOUDS, *_WATCHING, *_MAIL_AND_CHAT, *_MONEY_AND_SHOPS, *_BY_WHAT_STANDS_BEFORE
)  # fmt: skip
