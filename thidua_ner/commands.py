"""The command `thidua-ner`: tag, score, compare, and work on the annotations and the dataset."""

import sys
from pathlib import Path
from typing import Literal, get_args

import click

from thidua_ner.cli import PATH, device_option, gold_reading, run_command, tag_options
from thidua_ner.faults import DataError, UsageError, fail, show_controls, tell
from thidua_ner.runs.scored import GOLD_FOLDER
from thidua_ner.tagging.outputs import FORMATS
from thidua_ner.tagging.tagger import Runtime
from thidua_ner.text.iob2 import Repair, TagReading
from thidua_ner.version import __version__

_COUNT = click.IntRange(min=1)

gold_option = click.option(
    "--gold", type=PATH, metavar="DIR_OR_FILE", help=f"Annotated documents (default: {GOLD_FOLDER})."
)
annotations_option = click.option(
    "--annotations", type=PATH, default="annotations", show_default=True, metavar="DIR", help="The annotated corpus."
)
data_option = click.option(
    "--data", type=PATH, default="data", show_default=True, metavar="DIR", help="The dataset repository."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="thidua-ner", message="%(prog)s %(version)s")
def command() -> None:
    """Named entities in Vietnamese public-security news: tag texts, score systems, build the dataset."""


@command.command(short_help="Tag texts with a run, a checkpoint or a baseline.")
@click.argument("model", type=PATH, metavar="RUN")
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("-o", "--output", type=PATH, metavar="DIR", help="Write shards here; repeat the call to resume.")
@click.option("--format", type=click.Choice(FORMATS), help="The format of the shards (default: jsonl).")
@click.option("--no-text", is_flag=True, help="In JSON Lines, leave out the texts of the entities.")
@click.option("--column", default="text", show_default=True, help="The column (or key) that holds the text.")
@click.option("--dataset", metavar="NAME", help="A dataset on the Hugging Face Hub, or in a folder.")
@click.option("--split", default="train", show_default=True, help="The split of the dataset.")
@click.option(
    "--runtime", type=click.Choice(get_args(Runtime)), default="torch", show_default=True, help="What runs an encoder."
)
@device_option
@click.option(
    "--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Where the workers are."
)
@click.option("--workers", type=_COUNT, metavar="N", help="Processes (default: 1; with ray: one per CPU).")
@click.option("--shard", type=_COUNT, default=100, show_default=True, metavar="N", help="Texts per shard.")
def tag(  # noqa: PLR0913, PLR0917 -- one argument per option
    model: Path,
    inputs: tuple[str, ...],
    output: Path | None,
    format: str | None,  # noqa: A002 -- the option's name
    no_text: bool,
    column: str,
    dataset: str | None,
    split: str,
    runtime: Runtime,
    device: str | None,
    engine: Literal["local", "ray"],
    workers: int | None,
    shard: int,
) -> None:
    """Tag texts with a RUN: a run, one of its folds, a checkpoint or a baseline.

    An INPUT is a .txt, .jsonl, .csv or .parquet file, a folder of them, or - for one text from standard input (the
    default). The runtimes onnx and onnx-int8 read what `thidua-ner export` wrote; the engine ray uses the cluster that
    the environment variable RAY_ADDRESS names.
    """
    from thidua_ner.tagging import tag as tagging

    tagging.tag(
        model, inputs, output=output, format=format, column=column, dataset=dataset, split=split, runtime=runtime,
        device=device, engine=engine, workers=workers, shard=shard, with_text=not no_text,
    )  # fmt: skip


@command.command(short_help="Score the predictions of any system.")
@click.option("--gold", type=PATH, metavar="DIR_OR_FILE", required=True, help="Annotated documents to score on.")
@click.option("--predictions", type=PATH, metavar="DIR_OR_FILE", required=True, help="Predictions of any system.")
@tag_options()
@tag_options("gold-")
@click.option("--output", type=PATH, metavar="DIR", help="Write predictions.jsonl, scores.json and report.html.")
def score(
    gold: Path,
    predictions: Path,
    repair: Repair,
    tag_column: int | None,
    gold_repair: Repair,
    gold_tag_column: int | None,
    output: Path | None,
) -> None:
    """Score the predictions of any system.

    Gold and predictions are folders of .txt and .ann files, .jsonl or .conll files; a scored run stands for its
    predictions.
    """
    gold_tags, tags = TagReading(gold_repair, gold_tag_column), TagReading(repair, tag_column)
    score_files(gold, predictions, gold_tags=gold_tags, tags=tags, output=output)


def score_files(
    gold: Path, predictions: Path, *, gold_tags: TagReading, tags: TagReading, output: Path | None = None
) -> None:
    """Score predictions and print the figures; with `output`, write predictions, scores and page into that folder."""
    from thidua_ner.pages.report import write_results
    from thidua_ner.runs.scored import score_predictions
    from thidua_ner.scoring.evaluation import format_evaluation

    name = str(output or predictions)
    scored = score_predictions(gold, predictions, gold_tags=gold_tags, tags=tags, name=name)
    if output:
        write_results(output, scored)
    print(show_controls(format_evaluation(scored.scores)))
    if output is None:
        print("\nnothing was written; for predictions, scores and a report add --output DIR")


@command.command(short_help="Compare systems: intervals and paired tests.")
@click.argument("systems", nargs=-1, type=PATH, metavar="SYSTEM SYSTEM...")
@click.option(
    "--gold",
    type=PATH,
    metavar="DIR_OR_FILE",
    help=f"Annotated documents (default: the runs' own test documents if all have the same, or {GOLD_FOLDER}).",
)
@click.option("--output", type=PATH, metavar="FILE", help="Write the figures as JSON.")
def compare(systems: tuple[Path, ...], gold: Path | None, output: Path | None) -> None:
    """Compare systems on the same documents: 95% intervals and paired tests.

    A SYSTEM is a scored run, a folder of one per seed, or predictions in any format that `score` reads.
    """
    from thidua_ner.files import write_json
    from thidua_ner.runs.folder import run_folders
    from thidua_ner.runs.scored import check_systems, read_common_gold, read_systems
    from thidua_ner.scoring.comparison import compare, format_comparison

    paths = run_folders(systems)
    if len(set(paths)) < 2:
        raise click.UsageError("name at least two different systems")
    documents = read_common_gold(paths, gold)
    predicted = read_systems(paths, documents)
    check_systems(predicted, documents)
    compared = compare(documents, predicted)
    if output:
        write_json(output, compared)
    print(show_controls(format_comparison(compared)))


@command.command(short_help="Write a page about scored runs.")
@click.argument("runs", nargs=-1, type=PATH, required=True, metavar="RUN...")
@click.option("--gold", type=PATH, metavar="DIR_OR_FILE", help="The documents they were scored on, if not their own.")
@tag_options("gold-")
@click.option("--output", type=PATH, metavar="FILE", help="The page (default: report.html in the first RUN).")
def report(
    runs: tuple[Path, ...], gold: Path | None, gold_repair: Repair, gold_tag_column: int | None, output: Path | None
) -> None:
    """Write a report of scored runs: one HTML file that opens offline.

    A RUN is a folder that `python -m evaluate` or `thidua-ner score --output` wrote.
    """
    from thidua_ner.pages.report import report

    print(report(runs, gold=gold, tags=gold_reading(gold, gold_repair, gold_tag_column), output=output))


@command.command(short_help="Convert annotated documents to another format.")
@click.argument("source", type=PATH, metavar="INPUT")
@click.argument("target", type=PATH, metavar="OUTPUT")
@tag_options()
def convert(source: Path, target: Path, repair: Repair, tag_column: int | None) -> None:
    """Convert annotated documents, with any labels, between folders of .txt and .ann files, .jsonl and .conll."""
    from thidua_ner.formats.registry import keeps_text, read_documents, write_documents

    if source.resolve() == target.resolve():
        fail(target, "is the input", "name another OUTPUT", kind=UsageError)
    tags = TagReading(repair, tag_column)
    documents = read_documents(source, tags=tags)
    write_documents(target, documents)
    print(show_controls(f"{target}: {len(documents):,} document{'s' if len(documents) != 1 else ''}"))
    if repair != "none":
        tell(source, f"{repair} has changed {tags.changed:,} tags")
    if target.suffix.lower() != ".jsonl" and any(span.score is not None for one in documents for span in one.spans):
        tell(target, "has no place for the scores of spans, which .jsonl keeps")
    if not keeps_text(source) or not keeps_text(target):
        note = "CoNLL does not keep the text: tokens are joined by spaces, so offsets differ from the original"
        print(note, file=sys.stderr)


@command.command(short_help="Export a run for ONNX Runtime.")
@click.argument("model", type=PATH, metavar="RUN")
@gold_option
def export(model: Path, gold: Path | None) -> None:
    """Export the models of a RUN for ONNX Runtime, and print the F1 of each runtime on the gold documents."""
    from thidua_ner.runs.scored import read_gold
    from thidua_ner.tagging.export import export_run, format_runtimes

    exported = export_run(model, read_gold(gold))
    print(format_runtimes(exported.f1))
    if not exported.same_spans:
        fail(model, "gives other spans in ONNX Runtime than in torch", "tag with the runtime torch")


@command.command(short_help="Check the annotations and the dataset.")
@annotations_option
@data_option
def check(annotations: Path, data: Path) -> None:
    """Check the annotations, and that the dataset is up to date with them."""
    from thidua_ner.corpus.dataset import check_project

    faults = check_project(annotations, data)
    if faults:
        print(f"{len(faults)} fault{'s' if len(faults) > 1 else ''}", file=sys.stderr)
        raise DataError(faults)
    print(f"{annotations} and {data}: no faults")


@command.command(short_help="Measure the agreement of the annotators.")
@annotations_option
def agreement(annotations: Path) -> None:
    """Compare the annotators' passes and write agreement.json."""
    from thidua_ner.corpus.agreement import write_agreement

    print(write_agreement(annotations), end="")


@command.command(short_help="Count how often each rule occurs.")
@annotations_option
def coverage(annotations: Path) -> None:
    """Count how often each rule of the guidelines occurs in the synthetic documents; exit 1 if one is too rare."""
    from thidua_ner.corpus.coverage import format_coverage, measure_coverage, rare_cases

    counts = measure_coverage(annotations)
    print(format_coverage(counts))
    if faults := rare_cases(annotations, counts):
        raise DataError(faults)


@command.command(short_help="Build the dataset from the annotations.")
@annotations_option
@data_option
def build(annotations: Path, data: Path) -> None:
    """Build the dataset repository from the annotations."""
    from thidua_ner.corpus.dataset import write_dataset

    print(f"{data}: {len(write_dataset(annotations, data))} files")


@command.command(short_help="Join the annotations of real texts with the texts.")
@click.option("--baomoi", type=PATH, metavar="DIR", help="A clone of the repository with the newspaper pages.")
@click.option("--ntrex", type=PATH, metavar="DIR", help="A clone of the repository with the world news.")
@click.option("--output", type=PATH, default="runs/wild", show_default=True, metavar="DIR", help="Where to write.")
@annotations_option
def wild(baomoi: Path | None, ntrex: Path | None, output: Path, annotations: Path) -> None:
    """Join the annotations of the part `wild` with its texts, which the project does not hold.

    Writes validation.jsonl, for choosing, and test.jsonl, for scoring. The two sources are independent: one is enough
    for its documents.
    """
    from thidua_ner.corpus.wild_texts import join_wild

    folders = {name: folder for name, folder in (("baomoi", baomoi), ("ntrex", ntrex)) if folder}
    for path, documents in join_wild(annotations, folders, output).items():
        entities = sum(len(document.spans) for document in documents)
        print(f"{path}: {len(documents)} documents, {entities:,} entities, every text as it was annotated")
    if len(folders) == 1:
        (only,) = folders
        tell(output, f"has only the documents of {only}: scores on it are those of one source")


@command.command(short_help="Publish scored runs in results/.")
@click.argument("runs", nargs=-1, type=PATH, metavar="[RUN]...")
@click.option("--name", metavar="NAME", help="Publish the scored predictions of another system under this name.")
@click.option("--url", metavar="URL", help="Where that system is described.")
@click.option("--seed", type=click.IntRange(min=0), help="The seed of that system (default: 1).")
@click.option("--same-kind", is_flag=True, help="It is a language model like those that wrote and annotated the texts.")
@click.option("--root", type=PATH, default=".", metavar="DIR", help="The project (default: this folder).")
def publish(
    runs: tuple[Path, ...], name: str | None, url: str | None, seed: int | None, root: Path, *, same_kind: bool
) -> None:
    """Publish scored RUNs in results/ and rebuild the tables and model cards; without RUNs, only rebuild.

    With --name and --url, RUN is a folder with the scored predictions of any system: what `thidua-ner score --output`
    wrote for the gold, and in scores-pairs and scores-wild in it for the other tests.
    """
    from thidua_ner.publishing.publish import publish
    from thidua_ner.publishing.submission import Submission

    if (name is None) != (url is None):
        given, lacking = ("--name", "--url URL") if url is None else ("--url", "--name NAME")
        raise click.UsageError(f"--name and --url go together; add {lacking} to {given}")
    if name is None and (seed is not None or same_kind):
        raise click.UsageError("--seed and --same-kind go with --name and --url: a run knows its own seed")
    if name is not None and len(runs) != 1:
        raise click.UsageError("with --name, name one folder of scored predictions")
    submission = Submission(name, str(url), 1 if seed is None else seed, same_kind) if name is not None else None
    publish(runs, root=root, submission=submission)


def _in_a_clone(program: str) -> None:
    remedy = f"clone the project and run `python -m {program}` in its folder"
    fail(program, "is not part of the installed package", remedy, kind=UsageError)


_ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


@command.command(hidden=True, context_settings=_ANYTHING)
def train() -> None:
    """Explain where training runs."""
    _in_a_clone("train")


@command.command(hidden=True, context_settings=_ANYTHING)
def evaluate() -> None:
    """Explain where evaluation runs."""
    _in_a_clone("evaluate")


def main() -> None:
    """Run the command `thidua-ner`."""
    run_command(command, "thidua-ner")
