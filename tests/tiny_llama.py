"""A random Llama of 50k parameters with a character tokenizer, made without torch."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

CHARACTERS = "\n 0123456789+-=?#abcdefghijklmnopqrstuvwxyz"
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
HIDDEN, MLP, LAYERS, HEADS = 32, 64, 2, 1  # vLLM's attention on the CPU wants heads of at least 32


def write_tiny_llama(folder: Path, *, bos: bool = True, eos: bool = True, seed: int = 0) -> Path:
    """An ordinary Hugging Face folder; `bos`: the tokenizer puts <s> in front; `eos`: it knows an EOS token."""
    folder.mkdir(parents=True)
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *CHARACTERS])}
    _write_tokenizer(folder, vocabulary, bos, eos)
    _write_model(folder, len(vocabulary), seed)
    return folder


def _write_tokenizer(folder: Path, vocabulary: dict[str, int], bos: bool, eos: bool) -> None:
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"pad_token": "<pad>", "bos_token": "<s>", "unk_token": "<unk>"} | ({"eos_token": "</s>"} if eos else {})
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 256, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _write_model(folder: Path, vocabulary_size: int, seed: int) -> None:
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": vocabulary_size,
        "hidden_size": HIDDEN, "intermediate_size": MLP, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS, "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "tie_word_embeddings": True,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "torch_dtype": "float32",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text(
        json.dumps({"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0})
    )
    save_file(_weights(vocabulary_size, seed), folder / "model.safetensors", metadata={"format": "pt"})


def _weights(vocabulary_size: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    shapes = {"model.embed_tokens.weight": (vocabulary_size, HIDDEN)}
    for layer in range(LAYERS):
        front = f"model.layers.{layer}"
        shapes |= {f"{front}.self_attn.{name}_proj.weight": (HIDDEN, HIDDEN) for name in "qkvo"}
        shapes |= {f"{front}.mlp.{name}_proj.weight": (MLP, HIDDEN) for name in ("gate", "up")}
        shapes[f"{front}.mlp.down_proj.weight"] = (HIDDEN, MLP)
    weights = {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    for layer in range(LAYERS):
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights[f"model.layers.{layer}.{name}.weight"] = np.ones(HIDDEN, np.float32)
    return weights | {"model.norm.weight": np.ones(HIDDEN, np.float32)}
