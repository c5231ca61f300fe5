"""What a model's files must not hold, checked before any library reads them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from thidua_ner.faults import fail
from thidua_ner.files import read_text

_REFUSED_KEYS = {
    "auto_map": ("names Python code to be run with the model", "code of a model is never run; save it without"),
    "configuration_files": ("names other files in place of this one", "save the model with one configuration"),
    "quantization_config": ("describes quantized weights, which are not read", "save the model in float32 or bfloat16"),
}

_OTHER_FORMATS = {
    "adapter_config.json": ("is an adapter (PEFT) without its encoder", "merge it into the encoder and save the whole"),
    "*.gguf": ("is a model in the format GGUF", "save the model as safetensors"),
    "*.onnx": ("is an export without its checkpoint", "name the model that was exported, with `--runtime onnx`"),
    "*.bin": ("is a pickle", "save the model as safetensors (a pickle is never read)"),
    "*.pt": ("is a pickle", "save the model as safetensors (a pickle is never read)"),
    "*.h5": ("has weights of TensorFlow", "save the model as safetensors"),
    "*.msgpack": ("has weights of Flax", "save the model as safetensors"),
}
"""Files of models that are not read: what each is, and what to do."""


def read_settings(path: Path) -> Mapping[str, object]:
    """Read a JSON object of a model's settings.

    Raises DataError if it is damaged, or if a key at any level names code, other files or quantized weights.
    """
    try:
        settings = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        fail(path, f"is not JSON ({error})", "save the model again")
    if not isinstance(settings, dict):
        fail(path, "is not a JSON object", "save the model again")
    for key, value in _entries(settings):
        if value and key in _REFUSED_KEYS:
            what, remedy = _REFUSED_KEYS[key]
            fail(path, f"{key} {what}", remedy)
        if key.endswith("_implementation") and "/" in str(value):
            what, remedy = _REFUSED_KEYS["auto_map"]
            fail(path, f"{key} {what}", remedy)
    return settings


def _entries(value: object) -> Iterator[tuple[str, object]]:
    """Yield the keys and values of nested objects and lists."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            yield from inner.items()
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner


def refuse_other_formats(folder: Path) -> None:
    """Raise DataError if a folder holds a model in a format that is not read."""
    for pattern, (what, remedy) in _OTHER_FORMATS.items():
        for path in sorted(folder.glob(pattern)):
            fail(path, what, remedy)
