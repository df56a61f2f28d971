# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""What programs print that were asked for a secret: the line below `terraform output -raw db_password`, unseal keys, dialogues with a server."""

from __future__ import annotations

import re

from spanbridge.processors.matcher import Probe
from spanbridge.processors.text_rule import TextRule, pattern_rule

_NAME_OF_ONE = r"[\w./-]{0,48}(?i:pass(?:word|wd|phrase)?|pwd|secret|token|api_?key|access_?key|private_?key|credentials?)[\w./-]{0,16}"
_ASKS = (
    rf"terraform output -raw {_NAME_OF_ONE}", r"(?:kubectl|oc) get secrets? [^\n]{1,160}\| ?base64 (?:-d|-D|--decode)", "kubectl create token", "oc whoami -t", "pass show ",
    "op read ", "vault (?:kv get|read) [^\n]{0,40}-field[= ]", r"aws secretsmanager get-secret-value [^\n]{0,200}--output text", r"aws ssm get-parameter [^\n]{0,200}--output text", "aws ecr get-login-password",
    "gcloud secrets versions access", "gcloud auth (?:application-default )?print-(?:access|identity)-token", r"az keyvault secret show [^\n]{0,200}-o(?:utput)? ?tsv", r"az account get-access-token [^\n]{0,160}-o(?:utput)? ?tsv",
    r"security find-(?:generic|internet)-password [^\n]{0,120}-w", "gh auth token", "heroku auth:token", "bw get password", "lpass show [^\n]{0,40}--password", "doppler secrets get [^\n]{1,80}--plain", "npm token create",
    rf"(?:printenv|echo) \$?\{{?{_NAME_OF_ONE}", r"sops (?:-d|--decrypt) --extract", "secret-tool lookup", "keyring get ", r"openssl rand -(?:base64|hex) \d{1,3}", "pwgen ", "rails secret", "artisan key:generate --show",
)  # fmt: skip
"""Commands whose output is a secret and nothing else. Sources: the programs' manuals."""
_GATES = (
    "terraform output", "base64 -", "create token", "whoami -t", "pass show ", "op read ", "vault kv", "vault read", "secretsmanager", "aws ssm", "aws ecr", "gcloud ", "az keyvault", "az account", "security find", "gh auth", "heroku auth",
    "bw get", "lpass ", "doppler secrets", "npm token", "printenv", "echo $", "sops ", "secret-tool", "keyring get", "openssl rand", "pwgen ", "rails secret", "key:generate",
)  # fmt: skip
_PROBE = r"(?:terraform output|base64 (?:-d|-D|--decode)|kubectl create token|whoami -t|pass show|op read|vault (?:kv get|read)|secretsmanager get-secret-value|aws ssm get-parameter|aws ecr get-login|gcloud (?:secrets|auth)|az (?:keyvault|account)|security find-|gh auth token|heroku auth:token|bw get|lpass show|doppler secrets get|npm token create|printenv|echo \$|sops (?:-d|--decrypt)|secret-tool lookup|keyring get|openssl rand|pwgen|rails secret|key:generate)"
_LINE = r"(?:\r?\n|\\{1,7}n)"
_PROMPT = rf"(?:(?:\A|{_LINE})[^\n\\$#>%]{{0,80}}[$#>%] (?:[^\n\\|]{{0,80}}[|;&(] ?)?)"


def _is_answer(value: str) -> bool:
    """Whether a line of one word is a secret, not a word such as `None` or the next program's name."""
    return re.search(r"\d|[A-Z].*[a-z].*[A-Z]|[!@#$%^&*+=]", value) is not None


TERMINAL_RULES: tuple[TextRule, ...] = (
    pattern_rule("command_line", (Probe(_GATES, _PROBE),), rf"{_PROMPT}(?:{'|'.join(_ASKS)})[^\n\\]{{0,160}}{_LINE}(?P<v>[^\s\"'\\<>:]{{6,4096}})(?=[ \t]{{0,8}}(?:{_LINE}|[\"']|\Z))", _is_answer, 0),
    pattern_rule("command_line", (Probe(("successfully reset",), r"user successfully reset\."),), rf"user successfully reset\.{_LINE}New value: (?P<v>[^\s\"'\\]{{4,200}})"),
    pattern_rule("unseal_key", (Probe(("unseal key", "recovery key"), r"(?:Unseal|Recovery) Key [0-9]{1,2}", 0),), r"(?:Unseal|Recovery) Key \d{1,2}(?: \([a-z -]{1,24}\))?: (?P<v>[A-Za-z0-9+/=]{20,512})", None, 0),
    pattern_rule("command_line", (Probe(("ftp> user ",), "ftp> user ", 0),), r"ftp> user [^\s\"'\\]{1,64} (?P<v>[^\s\"'\\]{3,128})", None, 0),
    pattern_rule("command_line", (Probe(("<<<",), r"(?:kinit|passwd|cryptsetup|smbpasswd|passphrase-fd)[^\n<]{0,100}<<<"),), r"(?:kinit|passwd|cryptsetup|smbpasswd|passphrase-fd)[^\n<]{0,100}<<< ?\\{0,3}[\"']?(?P<v>[^\s\"'\\]{2,512})", None, 0),
    pattern_rule("form_password", (Probe(("send",), r"(?i)pass(?:word|phrase|code)?[^\n;\"']{0,8}[\\\"']{1,4}[;}][^\n;]{0,8}send"),), r"pass(?:word|phrase|code)?[^\n;\"'\\]{0,8}\\{0,3}[\"'](?:;| \}?;?|\} ?;?) ?\{? ?(?:exp_)?send(?:line)? (?:-- )?\\{0,3}[\"'](?P<v>[^\s\"'\\$]{2,200})"),
)  # fmt: skip
