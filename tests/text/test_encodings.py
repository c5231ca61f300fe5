"""Texts in an encoding of the time before Unicode, or read in the wrong one, are told from ordinary texts."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import keeps_pace
from tests.conftest import ROOT
from tests.strategies import documents
from thidua_ner.formats import brat
from thidua_ner.text.encodings import LEGACY_ENCODINGS, recognise_legacy_encoding

TCVN3, VNI, MISREAD = "TCVN3 (ABC fonts)", "VNI", "UTF-8 read as Windows-1252"

NEWS = (
    "Chiều 28/7, Công an tỉnh Đồng Phú Hạ tổ chức lễ sơ kết phong trào thi đua sáu tháng đầu năm.\n"
    "Thượng tá Quàng Thế Lữ phát biểu: “Các đơn vị đã bắt giữ 12 đối tượng, thu hồi nhiều tài sản”."
)


def misread(text, encoding="cp1252"):
    """Read the UTF-8 bytes of a text in another encoding; a byte that it lacks becomes a control character."""
    return "".join(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in text.encode())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("C«ng an tØnh Qu¶ng Nam", TCVN3),
        ("Phong trµo thi ®ua V× an ninh Tæ quèc", TCVN3),
        ("ChiÒu 28/7, Thñ tr­ëng c¬ quan C¶nh s¸t ®iÒu tra ph¸t biÓu.", TCVN3),
        ("§¬n vÞ ®· b¾t gi÷ 12 ®èi t­îng, thu håi nhiÒu tµi s¶n.", TCVN3),
        ("Coâng an tænh Quaûng Nam", VNI),
        ("Phong traøo thi ñua Vì an ninh Toå quoác", VNI),
        ("COÂNG AN TÆNH ÑOÀNG THAÙP", VNI),
        ("Ñôn vò ñaõ baét giöõ 12 ñoái töôïng, thu hoài nhieàu taøi saûn.", VNI),
        ("CÃ´ng an tá»‰nh", MISREAD),
        (misread(NEWS), MISREAD),
        (misread(NEWS, "latin-1"), MISREAD),
        (misread(NEWS).replace("\xa0", " "), MISREAD),
        (misread(unicodedata.normalize("NFD", NEWS)), MISREAD),
        (misread(NEWS.upper()), MISREAD),
    ],
)
def test_each_encoding_is_recognised(text, name):
    assert recognise_legacy_encoding(text) == name
    assert recognise_legacy_encoding(f"<p>Page 1 of 2</p>\n{text}\n") == name


ORDINARY = (
    NEWS,
    NEWS.upper(),
    "Công an",
    "“Ô, CÁI Ô!”",
    "Cong an tinh Quang Nam",
    "Đồng chí François Müller (Đức) và bà Renée thăm Việt Nam.",
    "Sài Gòn có số nhà số là và",
    "Où est-il allé ? Il a été reçu à l'Hôtel de Ville ; « c'est déjà ça », dit-il. Né à Thônes, il a mangé du pâté.",
    "À côté du café, l'été, les élèves répètent : né, thé, nô, là. Les «blés» ont mûri, l'œuvre est là.",
    "Die Größe der Häuser überraschte die Gäste: „Schöne Grüße aus Köln“, schrieb Jörg Müller, „JÄ“. Straßen, Füße.",
    "O senhor João não virá amanhã; a reunião é às três. “IRMÔ e “IRMÔ, “Nº 5”, coração, pão, avô, avó, ações.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy. „Ano,“ řekl Jiří, „dnes večer není nikdo doma.“ Řeka, město, ulice.",
    "Kæmi ný öxi hér, ykist þjófum nú bæði víl og ádrepa. Hún á þó ís og sól; Ísland er eyja, þar býr fólk við sjó.",
    "El niño comió piñas en la montaña. ¿Qué pasó con la señora Núñez? «Nada», respondió él.",
    "Blåbærsyltetøy på brødskiva; Åse fløy over fjorden. På ø på å.",
    "Zażółć gęślą jaźń; Łódź leży w Polsce, a Kraków też.",
    "Москва — столица России. 北京是中国的首都。 กรุงเทพ 서울 🙂🙂",
    "def f(x): return x ** 2  # ≤ 3 µs, ©®™ ±5 °C, 10 × 20, 3 ÷ 4, §5 ¶2, £3 ¥7",
    "µm µg ®a ©o ªn §o",
    "© 2023 Công ty. ® đã đăng ký.",
    "",
    " \n\u00a0\t",
    "\ud800\0\x81\u2028",
)


@pytest.mark.parametrize("text", ORDINARY)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_ordinary_texts_raise_no_alarm(text, form):
    text = unicodedata.normalize(form, text)
    assert recognise_legacy_encoding(text) == ""
    for part in text.replace(".", "\n").replace(",", "\n").splitlines():
        assert recognise_legacy_encoding(part) == "", part


def test_no_text_of_the_benchmark_raises_an_alarm():
    for folder in ("gold", "synthetic"):
        for document in brat.read_folder(ROOT / "annotations" / folder):
            for text in (document.text, unicodedata.normalize("NFD", document.text), *document.text.splitlines()):
                assert recognise_legacy_encoding(text) == "", text


@given(st.text() | documents().map(lambda document: document.text))
def test_any_text_has_an_answer(text):
    assert recognise_legacy_encoding(text) in {"", *LEGACY_ENCODINGS}


@pytest.mark.parametrize("unit", ["µ", "¸-", "aâ ", "á»", "Ã ", "C«ng ", "ñ", "x", "\ufffd"])
def test_the_time_does_not_grow_with_the_text(unit):
    assert keeps_pace(recognise_legacy_encoding, unit, 1_000_000, longer=50)
