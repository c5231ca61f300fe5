"""Vietnamese spelling: all syllables that it can produce, and a normal form in which mentions are compared."""

import unicodedata
from collections.abc import Iterator
from itertools import product

from thidua_ner.text.characters import compose, remove_invisible, replace_lookalikes

ONSETS = " b c ch d đ g gh gi h k kh l m n ng ngh nh p ph qu r s t th tr v x"
"""The onsets of syllables, separated by spaces; the first one is empty."""

RIMES = (
    "a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây "
    "e ec em en eng eo ep et ê êch êm ên ênh êp êt êu "
    "i ia ich iêc iêm iên iêng iêp iêt iêu im in inh ip it iu "
    "o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi om on ong "
    "ooc oong op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt "
    "u ua uân uâng uât uây uc uê uêch uên uênh uêu ui um un ung uơ uôc uôi uôm uôn uông uôt up ut "
    "uy uya uych uyên uyêt uym uyn uynh uyp uyt uyu ư ưa ưc ưi ưm ưn ưng ươ ươc ươi ươm ươn ương ươp ươt ươu ưt ưu "
    "y yêm yên yêng yêt yêu"
)
"""The rimes of syllables without their tones, separated by spaces."""

TONES = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
"""The tones as combining marks: none, grave, acute, tilde, hook above, dot below."""

_VOWELS = frozenset("aăâeêioôơuưy")

LOANWORDS = (
    "aids app atm bar bitcoin blog bluetooth bot box camera campuchia card casino chat check chip click clip club "
    "cocaine code combo comment congan container covid cyber data date diesel drone ecstasy email euro event "
    "facebook fan fanpage festival file flycam follow forum game gas gmail google group hacker hashtag heroin "
    "hotline html http https internet karaoke ketamine khmer laptop like link live livestream logo mail malware "
    "marketing media menu messenger meth methamphetamine mobile model modem module motor music net news offline "
    "online password photo pin police port post pro project radio rap robot sars scan server share shipper shop "
    "show sim singapore site smart smartphone software spa sport star startup stop studio style super support "
    "taxi team telegram test text tiktok time token top topic tour trend twitter update url usb user version "
    "viber video viettel vip virus visa voucher web website wifi www youtube zalo"
)
"""Foreign words that Vietnamese news use unchanged, including parts of web addresses and names of sites."""


def spell_syllables() -> Iterator[str]:
    """Yield every syllable of Vietnamese spelling in lower case, with the tone on each vowel (`hoà`, `hòa`)."""
    for onset, rime, tone in product(ONSETS.split(" "), RIMES.split(), TONES):
        if not tone:
            yield onset + rime
            continue
        for place, letter in enumerate(rime, start=1):
            if letter in _VOWELS:
                yield unicodedata.normalize("NFC", f"{onset}{rime[:place]}{tone}{rime[place:]}")


def spell_words() -> Iterator[str]:
    """Yield every syllable and loanword in lower case, with a capital, and in capitals."""
    for word in dict.fromkeys((*spell_syllables(), *LOANWORDS.split())):
        yield from (word, word.capitalize(), word.upper())


def normalise_surface(surface: str) -> str:
    """Return the normal form of a mention, which ignores case, character width, Unicode composition and spacing.

    The form is NFKC, case-folded, with single spaces, without invisible characters, and with `đ` for its look-alikes.
    Two mentions with the same form count as the same mention.
    """
    return " ".join(replace_lookalikes(compose(remove_invisible(surface), "NFKC")).casefold().split())
