"""PhoBERT in miniature: its tokenizer class and architecture, the vocabulary learnt from the training fold."""

import contextlib
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from subword_nmt.learn_bpe import learn_bpe
from transformers import PhobertTokenizer, RobertaConfig

from thidua_ner.files import write_text


def learn_phobert_vocabulary(words: Iterable[str], merges: int, folder: Path) -> None:
    """Learn a PhoBERT vocabulary from the words of a training fold: `vocab.txt` and `bpe.codes` in `folder`.

    The vocabulary holds every piece that up to `merges` byte-pair merges leave of the words, and every character
    alone and inside a word. The files are fairseq's: a piece and its count a line, a merge and a third column a line.
    """
    # a control character that Python takes for white space would break the lines of the files
    counted = Counter(word for word in words if word.split() == [word])
    learnt = _learn_merges(counted, merges)
    # the tokenizer drops the third column, a frequency elsewhere
    write_text(folder / "bpe.codes", "".join(f"{merge} 0\n" for merge in learnt))
    write_text(folder / "vocab.txt", "")
    splitter = phobert_tokenizer(folder)
    pieces: Counter[str] = Counter()
    for word, count in counted.items():
        for piece in splitter.bpe(word).split(" "):
            pieces[piece] += count
    for character in {character for word in counted for character in word}:
        pieces.setdefault(character, 0)
        pieces.setdefault(f"{character}@@", 0)
    ordered = sorted(pieces.items(), key=lambda item: (-item[1], item[0]))
    write_text(folder / "vocab.txt", "".join(f"{piece} {count}\n" for piece, count in ordered))


def phobert_tokenizer(folder: Path) -> PhobertTokenizer:
    """Read the tokenizer of a folder with `vocab.txt` and `bpe.codes`."""
    return PhobertTokenizer(str(folder / "vocab.txt"), str(folder / "bpe.codes"))


def _learn_merges(counted: Counter[str], merges: int) -> list[str]:
    """Learn byte-pair merges, `left right` each; `subword_nmt` breaks ties by spelling, so that runs repeat."""
    if all(len(word) < 2 for word in counted):
        return []
    dictionary = io.StringIO("".join(f"{word} {count}\n" for word, count in sorted(counted.items())))
    codes = io.StringIO()
    with contextlib.redirect_stderr(io.StringIO()):  # it draws a bar of its own
        learn_bpe(dictionary, codes, merges, is_dict=True)
    return codes.getvalue().splitlines()[1:]  # the first line is a version


def small_roberta(
    tokenizer: PhobertTokenizer,
    *,
    hidden_size: int,
    layers: int,
    heads: int,
    intermediate_size: int,
    positions: int,
) -> RobertaConfig:
    """Describe a RoBERTa that reads `positions`, special tokens included; like PhoBERT it has two more."""
    return RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=intermediate_size,
        max_position_embeddings=positions + tokenizer.pad_token_id + 1,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
