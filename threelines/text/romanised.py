"""Hindi, Urdu, Bengali and Arabic in Latin letters: known by their most frequent words.

Closed-class words of chat spelling (Hinglish, Banglish, Arabizi). A word that is also common in
English, Spanish, Indonesian and the like is left out, and several different ones are needed.
"""

from __future__ import annotations

import re

_WORDS: dict[str, tuple[str, str, frozenset[str]]] = {
    "Hindi or Urdu": ("hi-Latn", "hin", frozenset(
        "hai hain nahi nahin kya kyu kyun mein mera meri mere tera teri tere aap apna apni apne hum tum mujhe tumhe "
        "usko isko unka uska uski iska iski kaise kaisa kahan kab abhi aur lekin magar bhi bahut bohot accha acha theek "
        "karo karna karta karte karke raha rahe rahi gaya gayi hoga hogi tha thi wala wali wale bhai yaar kuch koi sab "
        "matlab chahiye dena lena paisa paise jaldi bolo batao kaam".split())),
    "Bengali": ("bn-Latn", "ben", frozenset(
        "ami tumi apni amar tomar apnar amake tomake ache achhe nei ki keno kemon kothay korbo korbe korte hobe hoyeche "
        "bhalo valo kintu ekta ekhon jabo dibo diben taka lagbe kotha bolo bolen jonno theke".split())),
    "Arabic": ("ar-Latn", "arb", frozenset(
        "ana enta enti inta inti ehna howa heya mesh mish msh mafi mafish ahlan salam habibi habibti yalla wallah walla "
        "inshallah inshalla hamdulillah alhamdulillah shukran keda kda leh fein feen ezayak izayak kifak keefak shu chno "
        "wach rak rani bzaf bezaf daba kan3 3andi 3and 3la 3an 3ala 7abibi 7aga mabrouk khalas sah".split())),
}  # fmt: skip

_TELLING = frozenset().union(*(telling for _, _, telling in _WORDS.values()))
_WORD = re.compile(r"[^\W_]+")
_PARTED = bytes(code if chr(code).isalnum() else ord(" ") for code in range(256))
"""The same words of ASCII text, faster."""
_DIGIT_LETTER = re.compile(r"(?=.*[a-z].*[a-z])[a-z]*[3579][a-z]+[a-z3579]*")
"""Arabic sounds without a Latin letter: 3 is ayn, 7 is ha, 5 kha, 9 qaf."""
_SHARE = 0.2
_LEAST = 2


def romanised(text: str) -> tuple[str, str, float] | None:
    """Return (code, ISO 639-3, confidence) where two or more words tell, and a fifth of all words."""
    words = text.lower().encode().translate(_PARTED).decode().split() if text.isascii() else _WORD.findall(text.lower())
    if len(words) < _LEAST or _TELLING.isdisjoint(words):
        return None
    best: tuple[str, str, float] | None = None
    for code, iso, telling in _WORDS.values():
        telling_words = [word for word in words if word in telling or (iso == "arb" and _DIGIT_LETTER.fullmatch(word))]
        share = len(telling_words) / len(words)
        enough = len(set(telling_words)) >= _LEAST and any(word in telling for word in telling_words)
        if enough and share >= _SHARE and (best is None or share > best[2]):
            best = code, iso, share
    return best and (best[0], best[1], min(0.99, 0.5 + best[2]))
