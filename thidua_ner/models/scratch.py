"""A small PhoBERT (Nguyen and Nguyen, 2020) with random weights and a BPE vocabulary learnt from the training fold."""

import contextlib
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from subword_nmt.learn_bpe import learn_bpe
from transformers import PhobertTokenizer, RobertaConfig

from thidua_ner.files import write_text


def learn_phobert_vocabulary(words: Iterable[str], merges: int, folder: Path) -> None:
    """Learn a BPE vocabulary (Sennrich et al., 2016) and write it as `vocab.txt` and `bpe.codes` to `folder`.

    The vocabulary has every piece of the words after at most `merges` merges, and every character, both at the end of
    a word and before it (`@@`). The files are in fairseq's format: a piece and its count per line; a merge and a third
    column per line.
    """
    # some control characters are white space to Python and would break the lines of the files
    counted = Counter(word for word in words if word.split() == [word])
    learnt = _learn_merges(counted, merges)
    # the tokenizer drops the third column, which is a frequency in fairseq
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
    """Load the tokenizer of a folder with `vocab.txt` and `bpe.codes`."""
    return PhobertTokenizer(str(folder / "vocab.txt"), str(folder / "bpe.codes"))


def _learn_merges(counted: Counter[str], merges: int) -> list[str]:
    """Learn byte-pair merges, each written `left right`; `subword_nmt` breaks ties by spelling, so runs are equal."""
    if all(len(word) < 2 for word in counted):
        return []
    dictionary = io.StringIO("".join(f"{word} {count}\n" for word, count in sorted(counted.items())))
    codes = io.StringIO()
    with contextlib.redirect_stderr(io.StringIO()):  # it draws its own progress bar
        learn_bpe(dictionary, codes, merges, is_dict=True)
    return codes.getvalue().splitlines()[1:]  # the first line is the version of the format


def small_roberta(
    tokenizer: PhobertTokenizer,
    *,
    hidden_size: int,
    layers: int,
    heads: int,
    intermediate_size: int,
    positions: int,
) -> RobertaConfig:
    """Configure a RoBERTa that reads `positions` subwords, special tokens included.

    Like PhoBERT it has two more positions, the padding offset.
    """
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
