"""Where programs take passwords on their command lines: one table for argument lists and for commands in text."""

# Items of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from spanbridge.processors.key_names import looks_like_credential, looks_like_password, word_set
from spanbridge.processors.matcher import Probe
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.text_rule import Budget, Span, TextRule, matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("sshpass", ("-p §", "-p§")),
    ("redis-cli", ("-a §", "--pass §")),
    ("sqlcmd bcp osql isql", ("-P §", "-P§")),
    ("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami", ("-w §",)),
    ("ldappasswd", ("-w §", "-s §")),
    ("mongo mongosh mongodump mongorestore mongoexport mongoimport cqlsh", ("-p §", "--password §")),
    ("psexec twine rdesktop useradd usermod", ("-p §",)),
    ("docker podman nerdctl helm buildah skopeo oras", ("login -p §", "login -p=§")),
    ("oc", ("login -p §",)),
    ("az", ("login -p §", "server -p §", "flexible-server -p §", "keyvault secret set --value §")),
    ("aws", ("put-parameter SecureString --value §", "put-parameter --value § SecureString")),
    ("plink pscp psftp", ("-pw §",)),
    ("curl", ("-u *:§", "-u*:§", "--user *:§", "-U *:§", "--proxy-user *:§")),
    ("http https xh", ("-a *:§", "--auth *:§", "-A bearer -a §")),
    ("mysqladmin mariadb-admin", ("-p§", "password §")),
    ("mysql mysqldump mysqlimport mysqlcheck mariadb mariadb-dump 7z 7za 7zz unrar", ("-p§",)),
    ("zip unzip zipcloak", ("-P §",)),
    ("mosquitto_pub mosquitto_sub mosquitto_rr tsql ipmitool", ("-P §",)),
    ("cypher-shell nxc netexec crackmapexec evil-winrm smbmap hydra medusa", ("-p §",)),
    ("snmpget snmpset snmpwalk snmpbulkwalk", ("-A §", "-X §")),
    ("kadmin", ("-w §", "addprinc -pw §", "cpw -pw §")),
    ("wpa_passphrase", ("* §",)),
    ("doctl", ("auth init -t §",)),
    ("codecov", ("-t §",)),
    ("cargo", ("login §",)),
    ("composer", ("config http-basic* * §", "config bitbucket-oauth* * §", "config github-oauth* §", "config gitlab-token* §")),
    ("nuget", ("setapikey §", "setApiKey §", "push -ApiKey §")),
    ("pulumi", ("config set --secret * §",)),
    ("openssl", ("-k §", "-K §", "-passin pass:§", "-passout pass:§", "-pass pass:§", "-password pass:§")),
    ("keytool jarsigner", ("-storepass §", "-keypass §", "-srcstorepass §", "-deststorepass §", "-destkeypass §")),
    ("htpasswd", ("-nb * §", "-b * * §")),
    ("ssh-keygen", ("-N §", "-P §")),
    ("smbclient rpcclient winexe", ("-U *%§",)),
    ("sqlplus expdp impdp sqlldr", ("*/§@",)),
    ("rman", ("*/§@", "target */§@")),
    ("db2", ("connect using §",)),
    ("xfreerdp wfreerdp", ("/p:§",)),
    ("cmdkey", ("/pass:§",)),
    ("net", ("user * §",)),
    ("rabbitmqctl", ("add_user * §", "change_password * §", "authenticate_user * §")),
    ("lftp", ("-u *,§",)),
    ("neo4j-admin", ("set-initial-password §",)),
    ("nmcli", ("password §",)),
    ("rclone", ("pass §",)),
    ("poetry", ("config http-basic* * §", "config pypi-token* §")),
    ("mc mcli", ("alias set * * * §",)),
    ("wandb", ("login §",)),
    ("vault", ("login §", "operator unseal §", "secret_id=§")),
    ("kubeadm", ("--token §",)),
    ("snyk", ("auth §",)),
    ("gh", ("secret set --body §", "secret set -b §", "secret set -b§")),
    ("wrangler", ("secret put --value §", "secret:put --value §")),
    ("clickhouse-client", ("--password §",)),
    ("influx", ("-password §", "--password §")),
    ("dotnet", ("user-secrets set * §", "nuget add source -p §")),
    ("security", ("add-generic-password -w §", "add-internet-password -w §", "unlock-keychain -p §")),
    ("sonar-scanner", ("-Dsonar.login=§",)),
    ("schtasks", ("/rp §",)),
    ("bundle", ("config * *:§", "config set * *:§")),
    ("drush", ("user:password * §", "upwd * §")),
    ("ngrok", ("authtoken §", "add-authtoken §")),
)  # fmt: skip
"""Programs, and the arguments that come before a password, in their order and perhaps among others: words, `*` for any one that is no
flag, `§` for the password, in the flag's own argument or behind a user's name where it is written so. Sources: the programs' manuals.
"""
_FREQUENT = word_set(
    "docker gh helm az aws http https mysql mariadb zip openssl net mc vault poetry mongo podman cargo pulumi composer security"
)
"""Programs whose names stand in any text; where one is a command, one of their words or flags follows."""


_HAS_PATTERN = frozenset(("curl",))
"""Programs that the pattern of `-u name:x` finds in text; here their lists of arguments are known."""


class _Form(NamedTuple):
    """A row's form, read once."""

    before: tuple[str, ...]
    prefix: str
    """What the argument begins with, as it is written."""
    separator: str
    """Behind a user's name in the same argument."""
    until: str
    after: tuple[str, ...]
    is_flag: bool
    """Whether the password stands behind a flag, whatever it looks like."""


def _form(text: str) -> _Form:
    words = text.split()
    index = next(number for number, word in enumerate(words) if "§" in word)
    head, _, until = words[index].partition("§")
    prefix, star, separator = head.partition("*")
    before = tuple(words[:index])
    named = bool(prefix) or (bool(before) and before[-1].startswith("-") and "*" not in before)
    return _Form(before, prefix, separator if star else "", until, tuple(words[index + 1 :]), named)


_FORMS: dict[str, tuple[_Form, ...]] = {
    program: tuple(map(_form, forms)) for programs, forms in _TABLE for program in programs.split()
}


_SAME_TEXT = (" ", "://", "s://")
"""What begins the next pieces of a text that begins as a program is called: `http`, `s://`, or `az`, ` login`."""
_MAX_ARGUMENTS = 32
_MAX_PROGRAMS = 4
_LONGEST_PROGRAM = 80
"""Characters, with its directory."""


class Argument(NamedTuple):
    """Where in which argument a password stands."""

    number: int
    start: int
    end: int


def secret_arguments(items: Sequence[Any]) -> list[Argument]:
    """The passwords in an argument list, whose program may be called by way of others such as `sudo` and `docker exec`."""
    programs: dict[str, int] = {}
    for number, item in enumerate(items[:_MAX_ARGUMENTS]):
        if not isinstance(item, str):
            continue
        if (program := _program(item)) in _FORMS and program not in programs and len(programs) < _MAX_PROGRAMS:
            programs[program] = number
    if not programs:
        return []
    texts = [item if isinstance(item, str) else "" for item in items[: 2 * _MAX_ARGUMENTS]]
    found = (_find(form, texts, number + 1) for program, number in programs.items() for form in _FORMS[program])
    return list(dict.fromkeys(argument for argument in found if argument is not None))


def _program(item: str) -> str:
    if len(item) > _LONGEST_PROGRAM:
        return ""
    return item.rsplit("/", 1)[-1].removesuffix(".exe") if "/" in item or "." in item else item


def is_argument_list(items: Sequence[str]) -> bool:
    """Whether strings are the arguments of a known program, each of which stands for itself."""
    return any(
        _program(item) in _FORMS and not "".join(items[number + 1 : number + 4]).startswith(_SAME_TEXT)
        for number, item in enumerate(items[:_MAX_PROGRAMS])
    )


def _find(form: _Form, items: Sequence[str], at: int) -> Argument | None:
    for word in form.before:
        found = _next(word, items, at, has_value=word is form.before[-1] and form.is_flag)
        if found is None:
            return None
        at = found + 1
    if form.prefix:
        number = next((n for n in range(at, len(items)) if items[n].startswith(form.prefix)), None)
    elif form.is_flag:
        number = at if at < len(items) else None
    else:
        number = _next("*", items, at)
    if number is None or any(_next(word, items, number + 1) is None for word in form.after):
        return None
    value = items[number]
    start = len(form.prefix)
    if form.separator:
        start = value.find(form.separator, start) + len(form.separator)
        if start < len(form.prefix) + len(form.separator) + 1:
            return None
    end = value.rfind(form.until) if form.until and form.until in value[start:] else len(value)
    secret = value[start:end]
    likely = form.is_flag or form.separator or looks_like_password(secret) or looks_like_credential(secret)
    if (
        len(secret) < 2
        or not likely
        or (not form.is_flag and "=" in secret.rstrip("="))
        or is_placeholder(secret)
        or (not start and secret.startswith("-"))
    ):
        return None
    return Argument(number, start, end)


def _next(word: str, items: Sequence[str], at: int, *, has_value: bool = False) -> int | None:
    """The next argument that a word of a form stands for."""
    if word == "*":
        return next((number for number in range(at, len(items)) if items[number] and items[number][0] != "-"), None)
    if word.endswith("*"):
        return next((number for number in range(at, len(items)) if items[number].startswith(word[:-1])), None)
    if word in items[at:]:
        return items.index(word, at)
    if len(word) == 2:
        for number in range(at, len(items)):
            if (
                word[1] in items[number]
                and _FLAGS.fullmatch(items[number])
                and (not has_value or items[number][-1] == word[1])
            ):
                return number  # flags of one letter together; one that takes a value comes last
    return None


_FLAGS = re.compile("-[A-Za-z]{2,4}")
_WORD = re.compile(r"(?<![\w.-])([a-z7][a-z0-9_-]{1,16})(?:\.exe)?(?= |\\{0,7}[\"'],)")
"""What may be a program: looking its name up costs less than a pattern of all of them."""
_ARGUMENT = re.compile(
    r"""(?x)[ \t]{1,16}(?:\\[ \t]*\n[ \t]*)?
    ((?: [^\s"'\\;|&<>`)]+ | "[^"\n]*" | '[^'\n]*' | (?P<quote>\\{1,7}["'])[^"'\n\\]*(?P=quote)
       | \\[ $&;|<>()!#@*?-] | \\{2,8}[\w.$-]+(?:\\{1,8}[\w.$-]+)*    # a path to a share of a server
    )+)"""
)
_ITEM = re.compile(r"""(?:\\{0,7}["'])?,\s{0,16}((?P<quote>\\{0,7}["'])[^"'\n\\]*(?P=quote))""")
"""The next argument of a list in text."""
_QUOTE_SIGNS = frozenset("\\\"'")
_QUOTES = re.compile(r"""\\{0,7}["']""")


def _find_in_text(text: str, budget: Budget) -> Iterator[Span]:
    starts: list[int] = []
    for program in matches(_WORD, text, budget):
        if program[1] not in _FORMS or program.start() in starts:
            continue  # no program; an argument of the one before
        if program[1] in _HAS_PATTERN and text[program.end()] == " ":
            continue
        arguments = [program[1]]
        starts = [program.start()]
        at = program.end()
        limit = at + 2048
        following = _ARGUMENT if text[at] == " " else _ITEM
        while len(arguments) < _MAX_ARGUMENTS and (match := following.match(text, at, limit)) is not None:
            start, at = match.span(1)
            value = text[start:at]
            opening = _QUOTES.match(value) if value[0] in _QUOTE_SIGNS else None
            if opening is not None and value.endswith(opening[0]) and len(value) > 2 * len(opening[0]):
                value, start = value[opening.end() : -len(opening[0])], start + opening.end()
            arguments.append(value)
            starts.append(start)
        for argument in secret_arguments(arguments):
            start, end = starts[argument.number] + argument.start, starts[argument.number] + argument.end
            quotes = _QUOTES.match(text, start)
            if quotes is not None and text[start:end].endswith(quotes[0]):
                start, end = quotes.end(), end - len(quotes[0])
            yield Span(start, end, "command_line")


_SHORT = frozenset(("oc",))
"""Programs whose names end many a word."""
_RARE = sorted(program for program in _FORMS if program not in _FREQUENT | _HAS_PATTERN | _SHORT)
_LISTED = r"[\\\"']{1,9} ?,"
_STARTS = (" ", r"\.exe ", _LISTED, rf"\.exe{_LISTED}")
_WORDS = sorted(
    {
        word if len(word) != 2 else f"-[A-Za-z]{{0,3}}{word[1]}"
        for programs, forms in _TABLE
        for form in forms
        if not _FREQUENT.isdisjoint(programs.split())
        for word in re.findall(r"[-/]?[A-Za-z][\w-]*:?", form)[:1]
    }
)
"""The first words of their forms; a flag of one letter perhaps behind others."""
_TAKES = "|".join(_WORDS)
_FREQUENT_NAMES = "|".join(sorted(sorted(_FREQUENT), key=len, reverse=True))
COMMAND_RULE = TextRule(
    (
        # Each name with what follows it: Hyperscan looks for the shortest names, two letters, in twice the time else.
        Probe(tuple(_RARE), "|".join(re.escape(name) + start for name in _RARE for start in _STARTS), 0),
        Probe(("curl",), rf"curl{_LISTED}[^\]]{{0,240}}-(?:[A-Za-z]{{0,3}}[uU]|-user|-proxy-user)", 0),
        Probe(("login",), r"oc(?: |[\\\"', ]{3,20})login", 22, "login"),
        Probe(
            tuple(sorted(_FREQUENT)),
            rf"(?:{_FREQUENT_NAMES})(?:\.exe)?(?: [^\n]{{0,240}}|{_LISTED}[^\]]{{0,240}})(?:{_TAKES})",
            0,
        ),
    ),
    _find_in_text,
)
