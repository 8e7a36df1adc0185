"""What comes from a language model is cleaned, cut to length and judged before it is used.

A text encoder sees some 77 tokens, which are about 55 English words: `fitted` keeps the leading
sentences that fit. What is empty, a refusal, too long even so, or does not name its subject is
kept out of searches and training and can be listed.
"""

from __future__ import annotations

import re
import unicodedata

from sightread.explain.explanation import Subject, Verdict
from sightread.text import key, tokens, words

MAX_WORDS = 55
"""Of an explanation."""

MAX_CHARS = 600
"""The same for scripts that put no spaces between words, and for what is made of endless ones."""

_REASONING = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_PREAMBLE = re.compile(
    r"^(sure|certainly|of course|here (is|are)|here's|okay|ok|absolutely)\b[^.:\n]{0,120}[:!\n]\s*"
    r"|^(visual notes?|notes?|description|explanation|answer)\s*:\s*",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"\*\*|__|`+|^\s{0,3}#{1,6}\s+|^\s*[-*•]\s+|^\s*\d{1,2}[.)]\s+", re.MULTILINE)
_SENTENCE = re.compile(r".+?[.!?。！？][\"'”’)\]]*(?=\s|$)|.+?[。！？]|.+$", re.DOTALL)
_REFUSAL = re.compile(
    r"(i['’]?m|i am) (very |really |so |deeply )?(sorry|afraid|unable|not (able|sure|familiar"
    r"|aware))\b|sorry\b|i (can(not|['’]t| not)|could ?n['’]?o?t|won['’]t|do(n['’]t| not) "
    r"(know|have|recogni[sz]e|recall))|as an? (ai|language model|assistant)\b|unfortunately\b"
    r"|my (training|knowledge)\b"
    r"|(there is |there's )?(no|not enough|insufficient) (information|data|details?)\b"
    r"|(the )?(entity|caption|name) (is |')?(s )?(unknown|not (known|recogni[sz]ed))"
    r"|(unknown|n/?a|none|no answer)\W*$",
    re.IGNORECASE,
)
_QUOTES = "\"'“”„‟«»‘’"


def judged(answer: str, subject: Subject, *, must_name: bool) -> tuple[str, Verdict]:
    """The text to use, and whether it may be used.

    Args:
        answer: as the source gave it.
        must_name: refuse it if it does not name the subject. Whoever wrote a glossary has put the
            two side by side; what a language model talks about is anybody's guess.
    """
    text = cleaned(answer)
    if not key(text):
        return "", "empty"
    if _REFUSAL.match(text):
        return text, "refused"
    short = fitted(text)
    if not short:
        return text, "too long"
    if must_name and not names(short, subject):
        return short, "off topic"
    return short, "good"


def cleaned(answer: str) -> str:
    """Without reasoning, mark-up, preambles and quotes around the whole; one line."""
    text = _REASONING.sub(" ", answer).strip()
    text = _MARKUP.sub("", text).strip()
    text = _PREAMBLE.sub("", text)
    text = "".join(c if unicodedata.category(c) not in ("Cc", "Cs", "Cf") else " " for c in text)
    text = " ".join(text.split())
    while len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        text = text[1:-1].strip()
    return text


def fitted(text: str) -> str:
    """The leading sentences of at most `MAX_WORDS` words together; "" if the first is longer."""
    kept = ""
    for sentence in _SENTENCE.findall(text):
        longer = f"{kept} {sentence.strip()}".strip()
        if len(longer.split()) > MAX_WORDS or len(longer) > MAX_CHARS:
            break
        kept = longer
    return kept


def names(text: str, subject: Subject) -> bool:
    """Whether the text names the subject: half of the words of an entity's name, or a word of
    weight of a caption. Scripts without spaces: the whole name, anywhere."""
    if subject.key.replace(" ", "") in key(text):
        return True
    said = {token for word in words(text) for token in tokens(word)}
    least = 3 if subject.kind == "entity" else 4
    wanted = subject.key.split()
    wanted = [word for word in wanted if len(word) >= least] or wanted
    found = sum(word in said for word in wanted)
    return found > 0 if subject.kind == "caption" else 2 * found >= len(wanted)
