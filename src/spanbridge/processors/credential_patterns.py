# ruff: noqa: E501 - a row of a table is one line
r"""Formats that are a credential by their shape alone: one table, one row per format.

A row has the rule's name (as counted in `redactions`), its source, the literal that the format begins with, its head and its body as
patterns. The head with the first characters of the body is the probe that runs over encoded payloads; head and body between
ASCII boundaries are the exact pattern. Heads that are rare in any text leave the body's length open, so that a provider's next length is
still found; short heads have exact lengths. Published checksums are not demanded: a mistyped key is a leak too.

Sources: the providers' documentation, and the rule sets of gitleaks, detect-secrets and GitHub's secret scanning.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

RIGHT = r"(?![A-Za-z0-9])"


def at_left(first: str, rest: str) -> str:
    """`first` (of one length) and `rest`, where an ASCII word begins, also behind an escape (`\\n`, `\\u003d`, a terminal's colour) or a
    percent code.

    What stands before is looked at once `first` has matched: `re` skips to literals quickly, and is slow where a pattern begins with a choice.
    """
    hexadecimal = "[0-9A-Fa-f]"
    colours = (rf"\[[0-9;]{{{length}}}m" for length in (1, 2, 4, 5))
    before = (r"\\[nrtbf]", f"%{hexadecimal}{{2}}", rf"\\x{hexadecimal}{{2}}", rf"\\u{hexadecimal}{{4}}", *colours)
    return f"{first}(?:(?<![A-Za-z0-9]{first})|{'|'.join(f'(?<={part}{first})' for part in before)}){rest}"


_FIXED = re.compile(r"(?:(?:\\[.$]|\[[^\]]*\](?![?*+{])|[\w/:=-](?![?*+{]))|A\{22\})*")
"""The longest part of a head that has one length."""


class Format(NamedTuple):
    """One credential format."""

    rule: str
    source: str
    """Who describes the format: the provider's documentation, a public rule set and its rule, or a standard."""
    gate: str
    """Lower-case literals, divided by `|`, of which every match holds one."""
    head: str
    body: str
    """With a group `v`, only that part is the secret."""
    check: Callable[[str], bool] | None = None
    """Tells a match that is a credential from a look-alike."""
    own_probe: str = ""
    """Stands for the probe made from head and body, where the head begins with anything or counts far."""

    @property
    def probe(self) -> str:
        """A pattern of bounded length without boundaries that matches wherever the format does."""
        first = re.match(r"(\[[^\]]*\])\{(\d+)", self.body)
        return self.own_probe or self.head + (f"{first[1]}{{{min(int(first[2]), 10)}}}" if first else "")

    @property
    def reach(self) -> int | None:
        """How far before its gate a match of the probe starts, where that is fixed."""
        if self.rule == "stripe_key":
            return 1
        probe = self.probe.lower().replace("\\", "")
        return 0 if "|" in self.gate or probe.startswith(self.gate) else None

    @property
    def pattern(self) -> str:
        """The exact pattern."""
        first = _FIXED.match(self.head)
        length = first.end() if first else 0
        return at_left(self.head[:length], f"(?:{self.head[length:]}){self.body}{RIGHT}")


def is_jwt(text: str) -> bool:
    """Whether the first part of `text` is a JOSE header."""
    header = decode_base64(text.split(".", 1)[0])
    return (
        header is not None
        and header.lstrip()[:1] == b"{"
        and (b'"alg"' in header or b'"typ"' in header or b'"enc"' in header)
    )


def is_basic(text: str) -> bool:
    """Whether `text` is base64 of `user:password`."""
    decoded = decode_base64(text)
    return decoded is not None and b":" in decoded and decoded.isascii() and decoded.decode("ascii").isprintable()


def is_private_key(text: str) -> bool:
    """Whether `text` is base64 of a PEM private key."""
    decoded = decode_base64(text[:120])
    return decoded is not None and b"PRIVATE KEY" in decoded


def is_discord(text: str) -> bool:
    """Whether the first part of `text` is base64 of a user id."""
    decoded = decode_base64(text.split(".", 1)[0])
    return decoded is not None and decoded.isdigit()


def has_letters(text: str) -> bool:
    """Whether `text` is more than a number, as ids are."""
    return not text.isdigit()


def mixes_letters_and_digits(text: str) -> bool:
    """Whether `text` holds digits and letters, as random characters do."""
    return any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def mixes_cases(text: str) -> bool:
    """Whether `text` holds small and capital letters behind its first ones, as no name of a variable does."""
    return text != text.lower() and text != text.upper()


def decode_base64(text: str) -> bytes | None:
    """The bytes behind base64 of either alphabet, with or without padding; None where it is none."""
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    text = text[: len(text) - 1] if len(text) % 4 == 1 else text
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


_AN = "[A-Za-z0-9]"
_U = "[A-Za-z0-9_-]"
_B = "[A-Za-z0-9+/]"
_HEX = "[0-9a-f]"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

FORMATS: tuple[Format, ...] = (
    # Model providers and the tools around them.
    Format("openai_api_key", "gitleaks: openai-api-key", "sk-", "sk-(?:proj|svcacct|admin|None|service)-", f"{_U}{{20,}}"),
    Format("openai_api_key", "gitleaks: openai-api-key", "t3blbkfj", f"sk-{_AN}{{10,40}}T3BlbkFJ", f"{_AN}{{10,}}", None, "T3BlbkFJ"),
    Format("anthropic_api_key", "gitleaks: anthropic-api-key", "sk-ant-", "sk-ant-", f"{_U}{{20,}}"),
    Format("openrouter_api_key", "OpenRouter docs: API authentication", "sk-or-", "sk-or-", f"{_U}{{20,}}"),
    Format("langfuse_secret_key", "Langfuse docs: API keys", "sk-lf-", "sk-lf-", _UUID),
    Format("secret_key", "OpenAI-compatible services: sk- keys", "sk-", "sk-", f"{_AN}{{20,}}", mixes_letters_and_digits),
    Format("secret_key", "OpenAI-compatible services: sk- keys", "sk_", "sk_", f"{_HEX}{{40,}}"),
    Format("google_api_key", "gitleaks: gcp-api-key", "aiza", "AIza", f"{_U}{{30,}}"),
    Format("google_oauth_token", "Google Identity docs: OAuth 2.0 access tokens", "ya29.", r"ya29\.", r"[A-Za-z0-9_.-]{19,}[A-Za-z0-9_-]"),
    Format("google_refresh_token", "Google Identity docs: OAuth 2.0 refresh tokens", "1//0", "1//0", f"{_U}{{20,}}"),
    Format("google_oauth_secret", "GitHub secret scanning: google_oauth_client_secret", "gocspx-", "GOCSPX-", f"{_U}{{20,}}"),
    Format("huggingface_token", "gitleaks: huggingface-access-token, huggingface-organization-api-token", "hf_", "hf_", f"{_AN}{{28,}}"),
    Format("huggingface_token", "gitleaks: huggingface-access-token, huggingface-organization-api-token", "api_org_", "api_org_", f"{_AN}{{28,}}"),
    Format("groq_api_key", "Groq docs: API keys", "gsk_", "gsk_", f"{_AN}{{40,}}"),
    Format("xai_api_key", "xAI docs: API keys", "xai-", "xai-", f"{_AN}{{60,}}"),
    Format("cerebras_api_key", "Cerebras docs: API keys", "csk-", "csk-", "[a-z0-9]{40,}"),
    Format("perplexity_api_key", "gitleaks: perplexity-api-key", "pplx-", "pplx-", f"{_AN}{{32,}}"),
    Format("replicate_token", "Replicate docs: API tokens", "r8_", "r8_", f"{_AN}{{32,}}"),
    Format("together_api_key", "Together AI docs: API keys", "tgp_v1_", "tgp_v1_", f"{_U}{{30,}}"),
    Format("fireworks_api_key", "Fireworks AI docs: API keys", "fw_", "fw_", f"{_AN}{{20,26}}", mixes_letters_and_digits),
    Format("nvidia_api_key", "NVIDIA NIM docs: API keys", "nvapi-", "nvapi-", f"{_U}{{40,}}"),
    Format("langsmith_api_key", "LangSmith docs: API keys", "lsv2_", "lsv2_(?:pt|sk)_", f"{_HEX}{{32}}_{_HEX}{{10}}"),
    Format("pinecone_api_key", "Pinecone docs: API keys", "pcsk_", "pcsk_", f"{_AN}{{4,8}}_{_AN}{{40,}}"),
    Format("tavily_api_key", "Tavily docs: API keys", "tvly-", "tvly-(?:dev-|prod-)?", f"{_U}{{24,}}"),
    Format("firecrawl_api_key", "Firecrawl docs: API keys", "fc-", "fc-", f"{_HEX}{{32}}"),
    Format("e2b_api_key", "E2B docs: API key", "e2b_", "e2b_", f"{_HEX}{{32,}}"),
    Format("jina_api_key", "Jina AI docs: API key", "jina_", "jina_", f"{_U}{{40,}}"),
    Format("llamacloud_api_key", "LlamaCloud docs: API key", "llx-", "llx-", f"{_AN}{{40,}}"),
    Format("voyage_api_key", "Voyage AI docs: API keys", "pa-", "pa-", f"{_U}{{43}}", mixes_letters_and_digits),
    Format("logfire_token", "Logfire docs: write tokens", "pylf_v", r"pylf_v\d_(?:[a-z]{2,4}_)?", f"{_AN}{{32,}}"),
    # Clouds and platforms.
    # Apart, as GitHub's below: a match of a probe then tells which of the prefixes to look for.
    *(Format("aws_access_key", "AWS IAM docs: IAM identifiers, unique ID prefixes", head.lower(), head, "[A-Z0-9]{16}") for head in ("AKIA", "ASIA", "ABIA", "ACCA")),
    Format("aws_bedrock_key", "gitleaks: aws-amazon-bedrock-api-key-long-lived, -short-lived", "absk", "ABSK", f"{_B}{{80,}}={{0,2}}"),
    Format("aws_bedrock_key", "gitleaks: aws-amazon-bedrock-api-key-long-lived, -short-lived", "bedrock-api-key-", "bedrock-api-key-", f"{_B}{{20,}}={{0,2}}"),
    Format("azure_key", "GitHub secret scanning: azure_openai_key and relatives", "jqqj99", f"{_AN}{{20,52}}JQQJ99", f"{_AN}{{10,}}", None, f"JQQJ99{_AN}{{10}}"),
    Format("azure_storage_key", "GitHub secret scanning: azure_storage_account_key", "+ast", f"{_B}{{60,76}}\\+ASt", f"{_B}{{6}}(?:==)?", None, rf"\+ASt{_B}{{6}}"),
    Format("azure_client_secret", "gitleaks: azure-ad-client-secret", "q~", f"{_U}{{3}}[0-9]Q~", r"[A-Za-z0-9_.~-]{27,39}[A-Za-z0-9_~-]", None, r"[0-9]Q~[A-Za-z0-9_.~-]{10}"),
    Format("digitalocean_token", "gitleaks: digitalocean-pat, -access-token, -refresh-token", "dop_v1_|doo_v1_|dor_v1_", "do[opr]_v1_", f"{_HEX}{{40,}}"),
    Format("alibaba_access_key", "gitleaks: alibaba-access-key-id", "ltai", "LTAI", f"{_AN}{{16,24}}"),
    Format("cloudflare_origin_key", "gitleaks: cloudflare-origin-ca-key", "v1.0-", r"v1\.0-", f"{_HEX}{{24}}-{_HEX}{{100,}}"),
    Format("heroku_api_key", "gitleaks: heroku-api-key-v2", "hrku-", "HRKU-", f"{_U}{{30,}}"),
    Format("fly_token", "gitleaks: flyio-access-token", "fm2_", "fm2_", f"{_B}{{80,}}={{0,2}}"),
    Format("fly_token", "gitleaks: flyio-access-token", "fo1_", "fo1_", f"{_U}{{40,}}"),
    Format("netlify_token", "GitHub secret scanning: Netlify", "nfp_", "nfp_", f"{_AN}{{30,}}"),
    Format("render_api_key", "Render docs: API keys", "rnd_", "rnd_", f"{_AN}{{28,}}"),
    Format("supabase_token", "Supabase docs: personal access tokens", "sbp_", "sbp_", f"{_HEX}{{40}}"),
    Format("supabase_secret_key", "Supabase docs: API keys", "sb_secret_", "sb_secret_", f"{_U}{{16,}}"),
    Format("planetscale_token", "gitleaks: planetscale-api-token, -password, -oauth-token", "pscale_", "pscale_(?:tkn|pw|oauth)_", r"[A-Za-z0-9_.=-]{29,}[A-Za-z0-9_=-]"),
    Format("databricks_token", "gitleaks: databricks-api-token", "dapi", "dapi", rf"{_HEX}{{32}}(?:-\d)?"),
    Format("tailscale_key", "Tailscale docs: key prefixes", "tskey-", "tskey-[a-z]{2,10}-", f"{_AN}{{6,}}-{_AN}{{10,}}"),
    Format("cloudflare_token", "trufflehog: cloudflareapitoken, cloudflareglobalapikey", "cfut_|cfat_|cfk_", "cf(?:ut|at|k)_", f"{_AN}{{40}}{_HEX}{{8}}"),
    Format("scalingo_token", "gitleaks: scalingo-api-token", "tk-us-", "tk-us-", f"{_U}{{48}}"),
    Format("neon_api_key", "Neon docs: manage API keys", "napi_", "napi_", "[a-z0-9]{60,}", mixes_letters_and_digits),
    Format("clickhouse_cloud_key", "gitleaks: clickhouse-cloud-api-secret-key", "4b1d", "4b1d", f"{_AN}{{38}}", mixes_cases),
    Format("yandex_api_key", "gitleaks: yandex-api-key", "aqvn", "AQVN", f"{_U}{{35,38}}", mixes_letters_and_digits),
    # Code hosting, packages, build and deployment.
    *(Format("github_token", "GitHub docs: token formats", head, head, f"{_AN}{{30,}}") for head in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    Format("github_token", "GitHub docs: token formats", "github_pat_", "github_pat_", "[A-Za-z0-9_]{50,}"),
    Format(
        "gitlab_token",
        "GitLab docs: token prefixes",
        "glpat-|gldt-|glrt-|glrtr-|glft-|glptt-|glcbt-|glsoat-|gloas-|glagent-|glimt-|glffct-",
        "gl(?:pat|dt|rt|rtr|ft|ptt|cbt|soat|oas|agent|imt|ffct)-",
        r"[A-Za-z0-9_-]{18,}(?:\.[a-z0-9]{2}\.?[a-z0-9]{7,9})?",
    ),
    Format("bitbucket_token", "GitHub secret scanning: Atlassian Bitbucket", "atbb", "ATBB", f"{_U}{{28,}}"),
    Format("atlassian_token", "gitleaks: atlassian-api-token; trufflehog: atlassian", "atatt3|atctt3", "AT[AC]TT3", f"{_U}{{60,}}=?[0-9A-Fa-f]{{0,8}}"),
    Format("bitbucket_token", "trufflehog: bitbucketdatacenter", "bbdc-", "BBDC-", "[A-Za-z0-9+/@_-]{40,}", mixes_letters_and_digits),
    Format("gitlab_token", "gitleaks: gitlab-rrt", "gr1348941", "GR1348941", f"{_U}{{20,}}"),
    Format("deno_token", "trufflehog: deno", "ddp_|ddw_", "dd[pw]_", f"{_AN}{{36}}"),
    Format("harness_token", "gitleaks: harness-api-key", "pat.|sat.", r"[ps]at\.", rf"{_U}{{22}}\.{_AN}{{24}}\.{_AN}{{20}}"),
    Format("octopus_api_key", "gitleaks: octopus-deploy-api-key", "api-", "API-", "[A-Z0-9]{26}", mixes_letters_and_digits),
    Format("prefect_token", "gitleaks: prefect-api-token", "pnu_", "pnu_", f"{_AN}{{36}}"),
    Format("clojars_token", "gitleaks: clojars-api-token", "clojars_", "CLOJARS_", "[a-z0-9]{60}"),
    Format("infracost_token", "gitleaks: infracost-api-token", "ico-", "ico-", f"{_AN}{{32}}", mixes_letters_and_digits),
    Format("openshift_token", "gitleaks: openshift-user-token", "sha256~", "sha256~", f"{_U}{{43}}"),
    Format("sourcegraph_token", "gitleaks: sourcegraph-access-token; trufflehog: sourcegraphcody", "sgp_|slk_", "(?:sgp|slk)_(?:(?:[0-9A-Fa-f]{16}|local)_)?", "[0-9A-Fa-f]{40,64}"),
    Format("snyk_token", "Snyk docs: personal and service account tokens", "snyk_uat.|snyk_sat.", r"snyk_[us]at\.", rf"{_HEX}{{8}}\.[A-Za-z0-9_.-]{{20,}}"),
    Format("npm_token", "gitleaks: npm-access-token", "npm_", "npm_", f"{_AN}{{36}}"),
    Format("pypi_token", "gitleaks: pypi-upload-token", "pypi-age", "pypi-AgE", f"{_U}{{40,}}"),
    Format("rubygems_key", "gitleaks: rubygems-api-token", "rubygems_", "rubygems_", f"{_HEX}{{40,}}"),
    Format("crates_io_token", "crates.io: API tokens", "cio", "cio", f"{_AN}{{32}}", mixes_letters_and_digits),
    Format("docker_token", "GitHub secret scanning: Docker", "dckr_", "dckr_[po]at_", f"{_U}{{20,}}"),
    Format("vault_token", "HashiCorp Vault docs: token prefixes", "hvs.|hvb.|hvr.", r"hv[sbr]\.", f"{_U}{{24,}}"),
    Format("terraform_token", "gitleaks: hashicorp-tf-api-token", ".atlasv1.", rf"{_AN}{{14}}\.atlasv1\.", f"{_U}{{50,}}", None, r"\.atlasv1\."),
    Format("doppler_token", "Doppler docs: token formats", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?", f"{_AN}{{40,44}}"),
    Format("pulumi_token", "gitleaks: pulumi-api-token", "pul-", "pul-", f"{_HEX}{{40}}"),
    Format("circleci_token", "GitHub secret scanning: CircleCI", "ccipat_", "CCIPAT_", f"{_AN}{{20,24}}_{_HEX}{{40}}"),
    Format("buildkite_token", "GitHub secret scanning: Buildkite", "bkua_", "bkua_", f"{_HEX}{{40}}"),
    Format("sonar_token", "gitleaks: sonar-api-token", "sqp_|squ_|sqa_", "sq[pua]_", f"{_HEX}{{40}}"),
    Format("artifactory_token", "gitleaks: artifactory-api-key, artifactory-reference-token", "akcp", "AKCp", f"{_AN}{{60,}}"),
    Format("artifactory_token", "gitleaks: artifactory-api-key, artifactory-reference-token", "cmvmd", "cmVmd", f"{_AN}{{59}}"),
    # Applications.
    Format("postman_api_key", "gitleaks: postman-api-token", "pmak-", "PMAK-", f"{_HEX}{{24}}-{_HEX}{{34}}"),
    Format("figma_token", "GitHub secret scanning: Figma; trufflehog: figmapersonalaccesstoken", "figd_|figp_|figu_", "fig[dpu]_", f"{_U}{{36,}}"),
    Format("linear_api_key", "gitleaks: linear-api-key", "lin_", "lin_(?:api|oauth)_", f"{_AN}{{32,}}"),
    Format("notion_token", "gitleaks: notion-api-token", "ntn_", "ntn_", f"{_AN}{{40,}}"),
    Format("notion_token", "gitleaks: notion-api-token", "secret_", "secret_", f"{_AN}{{43}}"),
    Format("airtable_token", "gitleaks: airtable-personnal-access-token", "pat", "pat", rf"{_AN}{{14}}\.{_HEX}{{64}}"),
    Format("asana_token", "GitHub secret scanning: Asana", ":", r"[12]/\d{16}/\d{16}:", f"{_HEX}{{32}}", None, r"/\d{16}/\d{16}:"),
    Format("sentry_token", "gitleaks: sentry-user-token, sentry-org-token", "sntry", "sntryu_", f"{_HEX}{{60,}}"),
    Format("sentry_token", "gitleaks: sentry-user-token, sentry-org-token", "sntrys_", "sntrys_eyJ", r"[A-Za-z0-9+/=]{20,}(?:_[A-Za-z0-9+/]{20,})?"),
    Format("newrelic_api_key", "gitleaks: new-relic-user-api-key", "nrak-", "NRAK-", "[A-Z0-9]{24,}"),
    Format("grafana_token", "gitleaks: grafana-service-account-token, grafana-cloud-api-token", "glsa_", "glsa_", f"{_AN}{{32}}_[0-9A-Fa-f]{{8}}"),
    Format("grafana_token", "gitleaks: grafana-service-account-token, grafana-cloud-api-token", "glc_", "glc_", f"{_B}{{32,}}={{0,2}}"),
    Format("dynatrace_token", "Dynatrace docs: access tokens, token format", "dt0", r"dt0[a-z]\d\d\.", r"[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    Format("posthog_key", "GitHub secret scanning: PostHog", "phx_", "phx_", f"{_AN}{{40,}}"),
    Format("onepassword_token", "gitleaks: 1password-service-account-token", "ops_eyj", "ops_eyJ", f"{_B}{{100,}}={{0,2}}"),
    Format("age_secret_key", "gitleaks: age-secret-key", "age-secret-key-1", "AGE-SECRET-KEY-1", "[A-Z0-9]{50,}"),
    Format("slack_token", "Slack docs: token types", "xoxa-|xoxb-|xoxe-|xoxp-|xoxr-|xoxs-|xoxe.", r"xox[abeprs](?:\.xox[bp])?-", r"[A-Za-z0-9-]{16,}"),
    Format("slack_token", "Slack docs: token types", "xapp-", r"xapp-\d-", r"[A-Za-z0-9-]{30,}"),
    Format("slack_webhook", "gitleaks: slack-webhook-url", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{0,60}/", r"(?P<v>[A-Za-z0-9]{16,})", has_letters),
    Format("discord_webhook", "Discord docs: webhooks", "discord", r"discord(?:app)?\.com/api/webhooks/\d{10,25}/", f"(?P<v>{_U}{{40,}})"),
    Format("teams_webhook", "gitleaks: microsoft-teams-webhook", "webhook.office.com/", r"webhook\.office\.com/webhookb2/", r"(?P<v>[A-Za-z0-9@/-]{40,})"),
    Format("teams_webhook", "Microsoft Teams docs: incoming webhooks", "outlook.office.com/webhook/", r"outlook\.office\.com/webhook/", r"(?P<v>[A-Za-z0-9@/-]{40,})"),
    Format("zapier_webhook", "Zapier docs: webhooks, catch hook", "hooks.zapier.com/", r"hooks\.zapier\.com/hooks/(?:catch|standard)/\d{1,12}/", r"(?P<v>[A-Za-z0-9]{5,}(?:/[A-Za-z0-9]{5,})?)"),
    Format("mattermost_webhook", "Mattermost docs: incoming webhooks", "hooks/", "hooks/", r"(?P<v>[a-z0-9]{26})", mixes_letters_and_digits, "hooks/[a-z0-9]{26}"),
    Format("rocketchat_webhook", "Rocket.Chat docs: incoming webhooks", "hooks/", "hooks/[A-Za-z0-9]{17,24}/", r"(?P<v>[A-Za-z0-9]{40,})", None, "hooks/[A-Za-z0-9]{17}"),
    Format("password_hash", "crypt(5): hashes of passwords", "$", r"\$(?:1|5|6|7|y|gy|2a|2b|2x|2y|apr1|sm3)\$", r"(?P<v>[A-Za-z0-9./+$-]{20,512})", mixes_letters_and_digits, r"\$(?:[1567y]|gy|2[abxy]|apr1|sm3)\$[A-Za-z0-9./+$-]{10}"),
    Format("password_hash", "crypt(5): SHA-crypt with rounds", "$rounds=", r"\$(?:5|6)\$rounds=\d{1,9}\$", r"(?P<v>[A-Za-z0-9./+$-]{20,512})", None, r"\$rounds=[0-9]{1,9}\$"),
    Format("password_hash", "RFC 9106: Argon2, encoded", "$argon2", r"\$argon2(?:id|i|d)\$v=\d{1,3}\$m=\d{1,8},t=\d{1,4},p=\d{1,4}\$", r"(?P<v>[A-Za-z0-9./+$-]{20,512})", None, r"\$argon2(?:id|i|d)\$v="),
    Format("ifttt_webhook", "IFTTT docs: webhooks", "maker.ifttt.com/", r"maker\.ifttt\.com/trigger/[A-Za-z0-9_-]{1,64}/(?:json/)?with/key/", f"(?P<v>{_U}{{16,}})"),
    Format("feishu_webhook", "Feishu and Lark docs: custom bot", "bot/v2/hook/", r"bot/v2/hook/", f"(?P<v>{_U}{{16,}})"),
    Format("pagerduty_webhook", "PagerDuty docs: Events API, integration URL", "events.pagerduty.com/", r"events\.pagerduty\.com/(?:integration|x-ere)/", f"(?P<v>{_AN}{{16,}})"),
    Format("discord_token", "detect-secrets: DiscordBotTokenDetector", ".", rf"[MNO]{_U}{{23,27}}\.{_U}{{6}}\.", f"{_U}{{27,38}}", is_discord, rf"\.{_U}{{6}}\.{_U}{{10}}"),
    *(Format("telegram_token", "Telegram docs: bot API, authorizing your bot", ":aa", head, f"{_U}{{32,34}}", None, f":AA{_U}{{10}}") for head in ("[0-9][0-9]{7,9}:AA", "bot[0-9]{8,10}:AA")),
    Format("twilio_key", "gitleaks: twilio-api-key", "sk", "SK", f"{_HEX}{{32}}"),
    Format("sendgrid_api_key", "gitleaks: sendgrid-api-token", "sg.", r"SG\.", rf"{_U}{{16,24}}\.{_U}{{36,48}}"),
    Format("mailgun_key", "gitleaks: mailgun-private-api-token", "key-", "key-", f"{_HEX}{{32}}"),
    Format("mailchimp_key", "Mailchimp docs: API keys", "-us", rf"{_HEX}{{32}}-us", r"\d{1,2}", None, r"[0-9a-f]-us\d"),
    Format("resend_api_key", "Resend docs: API keys", "re_", "re_", f"{_AN}{{8}}_{_AN}{{20,26}}", mixes_letters_and_digits),
    Format("shopify_token", "gitleaks: shopify-access-token and relatives", "shp", "shp(?:at|ca|pa|ss)_", "[0-9A-Fa-f]{32}"),
    Format("hubspot_token", "GitHub secret scanning: HubSpot", "pat-", "pat-(?:na|eu)[0-9]-", _UUID),
    Format("stripe_key", "Stripe docs: API keys", "k_live_|k_test_|k_prod_", "[sr]k_(?:live|test|prod)_", f"{_AN}{{16,}}"),
    Format("stripe_webhook_secret", "Stripe docs: webhook signatures", "whsec_", "whsec_", r"[A-Za-z0-9+/]{24,}={0,2}"),
    Format("square_token", "gitleaks: square-access-token", "eaaa", "EAAA", f"{_U}{{60}}", mixes_letters_and_digits),
    Format("square_token", "gitleaks: square-access-token", "sq0", "sq0(?:atp|csp|idp)-", f"{_U}{{20,}}"),
    Format("braintree_token", "GitHub secret scanning: Braintree", "access_token$", r"access_token\$(?:production|sandbox)\$", r"[a-z0-9]{16}\$[0-9a-f]{32}"),
    Format("plaid_token", "gitleaks: plaid-api-token", "access-", "access-(?:production|sandbox|development)-", _UUID),
    Format("facebook_token", "gitleaks: facebook-page-access-token", "eaa", "EAA[A-Z]", f"{_AN}{{100,}}", mixes_letters_and_digits),
    Format("x_bearer_token", "gitleaks: twitter-bearer-token", "aaaaaaaaaaaaaaaaaaaaaa", "A{22}", "[A-Za-z0-9%]{60,}", mixes_letters_and_digits),
    Format("dropbox_token", "gitleaks: dropbox-short-lived-api-token", "sl.", r"sl\.(?:u\.)?", f"{_U}{{100,}}"),
    Format("mapbox_token", "Mapbox docs: access tokens", "sk.eyj", r"sk\.eyJ", rf"{_U}{{20,}}\.{_U}{{18,}}"),
    Format("contentful_token", "GitHub secret scanning: Contentful", "cfpat-", "CFPAT-", f"{_U}{{36,}}"),
    Format("brevo_key", "gitleaks: sendinblue-api-token; Brevo docs: SMTP keys", "xkeysib-|xsmtpsib-", "x(?:key|smtp)sib-", f"{_HEX}{{64}}-{_AN}{{16}}"),
    Format("duffel_token", "gitleaks: duffel-api-token", "duffel_", "duffel_(?:test|live)_", "[A-Za-z0-9_=-]{43}"),
    Format("easypost_api_key", "gitleaks: easypost-api-token, easypost-test-api-token", "ezak|eztk", "EZ[AT]K", f"{_AN}{{54}}", mixes_letters_and_digits),
    Format("shippo_token", "gitleaks: shippo-api-token", "shippo_", "shippo_(?:live|test)_", "[0-9A-Fa-f]{40}"),
    Format("readme_api_key", "gitleaks: readme-api-token", "rdme_", "rdme_", "[a-z0-9]{70,}"),
    Format("typeform_token", "gitleaks: typeform-api-token", "tfp_", "tfp_", "[A-Za-z0-9_.=-]{59}", mixes_letters_and_digits),
    Format("adobe_client_secret", "gitleaks: adobe-client-secret", "p8e-", "p8e-", "[a-z0-9]{32}", mixes_letters_and_digits),
    Format("flutterwave_key", "gitleaks: flutterwave-secret-key, flutterwave-encryption-key", "flwseck", "FLWSECK(?:_TEST)?-", "[0-9a-z]{12,32}(?:-X)?", mixes_letters_and_digits),
    Format("frameio_token", "gitleaks: frameio-api-token", "fio-u-", "fio-u-", f"{_U}{{64}}"),
    Format("onepassword_secret_key", "gitleaks: 1password-secret-key", "a3-", "A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}", mixes_letters_and_digits),
    Format("newrelic_api_key", "trufflehog: newrelicinsightsinsertkey, newrelicinsightsquerykey", "nrii-|nriq-", "NRI[IQ]-", f"{_U}{{25,}}"),
    Format("grafana_token", "gitleaks: grafana-api-key", "eyjrijoi", "eyJrIjoi", "[A-Za-z0-9]{70,}={0,3}"),
    Format("apify_token", "trufflehog: apify", "apify_api_", "apify_api_", f"{_AN}{{36}}"),
    Format("runpod_api_key", "Runpod docs: manage API keys", "rpa_", "rpa_", f"{_AN}{{40,}}", mixes_letters_and_digits),
    Format("inngest_signing_key", "Inngest docs: signing keys", "signkey-", "signkey-[a-z]{2,12}-", f"{_HEX}{{32,}}"),
    Format("trigger_dev_key", "Trigger.dev docs: API keys", "tr_", "tr_(?:prod|dev|stg|preview)_", f"{_AN}{{20,}}", mixes_cases),
    Format("polar_token", "Polar docs: organization access tokens", "polar_oat_", "polar_oat_", f"{_U}{{40,}}"),
    Format("paddle_api_key", "Paddle docs: API keys, format", "pdl_", "pdl_(?:live|sdbx)_apikey_", "[A-Za-z0-9_]{40,}"),
    Format("browserbase_api_key", "Browserbase docs: API keys", "bb_live_", "bb_live_", f"{_U}{{24,40}}", mixes_cases),
    Format("helicone_api_key", "Helicone docs: API keys", "sk-helicone-", "sk-helicone-(?:proxy-)?", "[a-z0-9]{7}-[a-z0-9]{7}-[a-z0-9]{7}-[a-z0-9-]{7,}"),
    Format("launchdarkly_sdk_key", "trufflehog: launchdarkly", "sdk-", "sdk-", _UUID),
    Format("nylas_api_key", "Nylas docs: API keys", "nyk_v", r"nyk_v\d_", f"{_AN}{{60,}}"),
    Format("cal_com_api_key", "Cal.com docs: API keys", "cal_live_", "cal_live_", f"{_HEX}{{32}}"),
    Format("cursor_api_key", "Cursor docs: API keys", "key_", "key_", f"{_HEX}{{64}}"),
    Format("vercel_ai_gateway_key", "Vercel docs: AI gateway, API keys", "vck_", "vck_", f"{_AN}{{50,}}", mixes_letters_and_digits),
    Format("mem0_api_key", "Mem0 docs: API keys", "m0-", "m0-", f"{_AN}{{40}}", mixes_cases),
    Format("adafruit_key", "trufflehog: adafruitio", "aio_", "aio_", f"{_AN}{{28}}", mixes_cases),
    Format("rapidapi_key", "SonarSource rule S6652", "msh", f"{_HEX}{{10}}msh", f"{_HEX}{{15}}p{_HEX}{{6}}jsn{_HEX}{{12}}", None, f"[0-9a-f]msh{_HEX}{{10}}"),
    Format("zoho_token", "trufflehog: zohocrm", "1000.", r"1000\.", rf"{_HEX}{{32}}\.{_HEX}{{32}}"),
    Format("voiceflow_api_key", "trufflehog: voiceflow", "vf.", r"VF\.(?:(?:DM|WS)\.)?", rf"[0-9A-Fa-f]{{24}}\.{_AN}{{16}}"),
    Format("rootly_token", "trufflehog: rootly", "rootly_", "rootly_", f"{_HEX}{{64}}"),
    Format("ramp_secret", "trufflehog: ramp", "ramp_sec_", "ramp_sec_", f"{_AN}{{48}}"),
    Format("maxmind_license_key", "gitleaks: maxmind-license-key", "_mmk", f"{_AN}{{6}}_{_AN}{{29}}_", "mmk", None, f"{_AN}_mmk"),
    Format("tines_webhook", "trufflehog: tineswebhook", "tines.com/webhook/", r"tines\.com/webhook/[a-z0-9]{32}/", "(?P<v>[a-z0-9]{32})", None, r"tines\.com/webhook/[a-z0-9]{10}"),
    # Tokens and keys that no provider owns.
    Format("jwt", "RFC 7515, section 7.1; RFC 7516, section 7.1", "eyj", "eyJ", rf"{_U}{{10,}}\.{_U}*\.{_U}*(?:\.{_U}*\.{_U}*)?", is_jwt),
    Format("jwt", "RFC 7515, section 7.1; RFC 7516, section 7.1", "eyj", "eyJ", rf"{_U}{{10,}}\.eyJ{_U}{{10,}}", is_jwt),
    Format("private_key", "RFC 7468, base64 once more", "ls0tls1crudjti", "LS0tLS1CRUdJTi", r"[A-Za-z0-9+/=_-]{20,}", is_private_key),
)  # fmt: skip
