"""No line of the source runs what a file or a server brings along."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import respllm

SOURCE = Path(respllm.__file__).parent
BENCHMARKS = SOURCE.parents[1] / "benchmarks"
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNSAFE_YAML = {
    *("load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"),
    *("Loader", "FullLoader", "UnsafeLoader", "CLoader", "CFullLoader", "CUnsafeLoader"),
}
NAMES_AN_ERROR_ONLY = {"training/state.py", "encoders/opera_checkpoint.py"}
"""They import `pickle` for `pickle.UnpicklingError`, which `torch.load` raises when it refuses."""


def dangers(text: str, only_errors: bool = False) -> Iterator[str]:
    """What could run code of a file, in a module's text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found = {name.split(".")[0] for name in names} & UNPICKLERS
            if found - ({"pickle"} if only_errors else set()):
                yield f"import {found}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            whole = f"{node.value.id}.{node.attr}"
            if node.value.id == "pickle" and node.attr != "UnpicklingError":
                yield whole
            if whole in {"os.system", "os.popen"} or node.attr in {"read_pickle", "to_pickle"}:
                yield whole
            if node.value.id == "yaml" and node.attr in UNSAFE_YAML:
                yield whole
        if isinstance(node, ast.Call):
            yield from _call(node)


def _call(node: ast.Call) -> Iterator[str]:
    given = {keyword.arg: keyword.value for keyword in node.keywords}

    def said(name: str) -> object:
        value = given.get(name)
        return value.value if isinstance(value, ast.Constant) else value

    function = ast.unparse(node.func)
    if function in {"eval", "exec", "compile", "__import__"}:
        yield function
    if function == "torch.load" and said("weights_only") is not True:
        yield "torch.load without weights_only"
    if said("shell") or said("allow_pickle") or said("trust_remote_code") is True:
        yield f"{function}(shell, allow_pickle or trust_remote_code)"
    if said("verify") is False:
        yield f"{function}(verify=False)"
    # A model's weights on the hub may be a pickle where nothing else is asked for.
    automatic = function in {"AutoModel.from_pretrained", "AutoModelForCausalLM.from_pretrained"}
    if automatic and said("use_safetensors") is not True:
        yield f"{function} without use_safetensors"


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load(p)",
        "import torch\ntorch.load(p, weights_only=False)",
        "eval(text)",
        "exec(text)",
        "import yaml\nyaml.load(t)",
        "import yaml\nyaml.load(t, Loader=yaml.UnsafeLoader)",
        "import yaml\nyaml.full_load(t)",
        "import subprocess\nsubprocess.run(c, shell=True)",
        "import os\nos.system(c)",
        "AutoModel.from_pretrained(s)",
        "AutoTokenizer.from_pretrained(s, trust_remote_code=True)",
        "np.load(p, allow_pickle=True)",
        "pd.read_pickle(p)",
        "requests.get(u, verify=False)",
    ],
)
def test_the_check_sees_them(text: str) -> None:
    assert list(dangers(text))


def test_a_name_of_an_error_is_none() -> None:
    text = "import pickle\ntry:\n    pass\nexcept pickle.UnpicklingError:\n    pass"
    assert list(dangers(text))
    assert not list(dangers(text, only_errors=True))
    assert list(dangers("import pickle\npickle.loads(b)", only_errors=True))


def test_there_are_none() -> None:
    paths = [*SOURCE.rglob("*.py"), *BENCHMARKS.glob("*.py")]
    assert len(paths) > 200
    found = {
        str(path): names
        for path in paths
        if (
            names := list(
                dangers(
                    path.read_text(encoding="utf-8"),
                    path.is_relative_to(SOURCE)
                    and path.relative_to(SOURCE).as_posix() in NAMES_AN_ERROR_ONLY,
                )
            )
        )
    }
    assert not found


def test_nothing_is_trusted_by_default() -> None:
    from respllm.config import ModelConfig

    assert ModelConfig().trust_remote_code is False
