# ruff: noqa: E501, RUF001 - a row of a table is one line; full-width signs are what some languages write
"""Keys, tokens and one-time codes in other languages than English: tables of words, and what connects them with a value.

Passwords in other languages are names as the English ones (`key_names.py`): a password may be any word, a key looks generated.
"""

from __future__ import annotations

import re

from spanbridge.processors.key_names import looks_like_credential
from spanbridge.processors.matcher import Probe
from spanbridge.processors.text_rule import TextRule, pattern_rule

_KEYS = {
    "de": "schlüssel", "fr": "clé clef", "es": "clave", "pt": "chave", "it": "chiave", "nl": "sleutel", "pl": "klucz", "cs": "klíč",
    "ru": "ключ", "tr": "anahtarı", "zh": "密钥 密鑰 秘钥 金鑰 私钥", "ja": "キー 鍵", "ko": "키",
}  # fmt: skip
_TOKENS = {"fr": "jeton", "ru": "токен", "zh": "令牌", "ja": "トークン", "ko": "토큰"}
"""Where it is not the English word, which the names know."""
_OWNERS = {
    "": "api secret secreta", "de": "geheim geheime geheimer zugangs zugriffs privater private", "fr": "accès secrète privée", "es": "acceso privada",
    "pt": "acesso", "it": "segreta accesso privata", "nl": "geheime toegangs privé", "pl": "tajny dostępu prywatny", "cs": "tajný",
    "ru": "секретный закрытый приватный доступа", "tr": "gizli", "zh": "访问 訪問 存取", "ja": "秘密 アクセス シークレット", "ko": "비밀 액세스 시크릿",
}  # fmt: skip
"""Whose key is secret; a mere key may be one of a database."""
_SECRET_KEYS = frozenset(("密钥", "密鑰", "秘钥", "金鑰", "私钥"))
"""Secret by themselves."""
_CODES = {
    "de": "bestätigungscode sicherheitscode verifizierungscode zugangscode freischaltcode einmalcode einmalpasswort",
    "fr": "code_de_vérification code_de_sécurité code_de_confirmation code_d'accès code_d’accès",
    "es": "código_de_verificación código_de_seguridad código_de_confirmación código_de_acceso",
    "pt": "código_de_verificação código_de_segurança código_de_confirmação código_de_acesso",
    "it": "codice_di_verifica codice_di_sicurezza codice_di_conferma codice_di_accesso",
    "nl": "verificatiecode beveiligingscode toegangscode",
    "pl": "kod_weryfikacyjny kod_dostępu kod_autoryzacyjny kod_bezpieczeństwa",
    "ru": "код_подтверждения код_доступа код_безопасности проверочный_код",
    "tr": "doğrulama_kodu doğrulama_kodunuz onay_kodu onay_kodunuz",
    "zh": "验证码 驗證碼 校验码 动态码 动态口令",
    "ja": "認証コード 確認コード 認証番号 暗証番号 暗証コード",
    "ko": "인증번호 인증_번호 인증코드 인증_코드 확인_코드",
}
_IS = (
    r"[\"'`*_]{0,3}(?:[ \u00a0\u202f]?[:：=][ \u00a0]{0,3}|[ ](?:ist|lautet|est|es|é|è|is|to|jest|это|[—–-])(?:[ ]?[:：])?[ ]|(?:是|は|為|为|[는은])[：: ]{0,2})"
    r"[\"'`*_「『„“”«‘]{0,3}"
)
"""From a word to what it is."""
_FOR = r"(?:[ ](?:f(?:ü|ue)r|von|zu[mr]?|pour|du|de|des|del|para|da|do|per|di|van|voor|do|dla|для|от)(?:[ ][^\s:：=]{1,24}){1,4}?)?"


def _words(*tables: dict[str, str]) -> list[str]:
    return sorted({word.replace("_", " ") for table in tables for words in table.values() for word in words.split()})


def _any(words: list[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"


_OWNED = (
    rf"(?:{_any(_words(_OWNERS))}(?:[ -]|の)?{_any(_words(_KEYS))}"
    rf"|{_any(_words(_KEYS))}(?:[ -]|[ ](?:de|di|do|da|del|van)[ ]|[ ]d['’]|[ ]dell['’])(?:l['’])?{_any(_words(_OWNERS))}"
    rf"|{_any(_words(_TOKENS))}(?:[ ](?:de[ ]|d['’])?{_any(_words(_OWNERS))})?|{_any(sorted(_SECRET_KEYS))})"
)
_GENERATED = r"(?P<v>[A-Za-z0-9_.+/=~-]{7,511}[A-Za-z0-9_+/=~-])"
NATIVE_PASSWORD = re.compile(
    r"passwort|kennwort|mot de passe|contrase[nñ]a|senha|wachtwoord|lösenord|пароль|密码|密碼|口令|パスワード|비밀번호|hasło|heslo|jelszó|adgangskode|salasana|şifre|kata sandi|mật khẩu|पासवर्ड|كلمة المرور|passord|kodeord|lozinka|mdp",
    re.IGNORECASE,
)
"""A password, as `key_names.py` knows the names of one."""
NATIVE_NOUNS = _words(_KEYS, _TOKENS)
NATIVE_WORDS = _words(_KEYS, _TOKENS, _CODES, _OWNERS)


def _probe(words: list[str], rest: str) -> Probe:
    spelled = sorted({spelled for word in words for spelled in (word, word.capitalize())})
    # As a gate, letters beyond ASCII stay as they are.
    return Probe(tuple(sorted({word.encode().lower().decode() for word in spelled})), _any(spelled) + rest, 0)


NATIVE_RULES: tuple[TextRule, ...] = (
    pattern_rule(
        "assignment",
        (_probe(_words(_KEYS, _TOKENS), r"[^\n]{0,64}[0-9]"),),
        _OWNED + _FOR + _IS + _GENERATED,
        looks_like_credential,
    ),
    pattern_rule(
        "one_time_code",
        (_probe(_words(_CODES), r"[^\n]{0,32}[0-9]{3}"),),
        rf"{_any(_words(_CODES))}{_FOR}(?:{_IS}|[ ]?)(?P<v>\d{{4,8}}|\d{{3}}[ -]\d{{3}})(?![A-Za-z0-9_-])(?!\.\d)",
    ),
)
