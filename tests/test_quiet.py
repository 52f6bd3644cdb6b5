"""Importing Keras after cnnkit prints nothing, unless it fails."""

import os
import platform
import subprocess
import sys

import pytest


def run(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, **options)


ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
X86 = platform.machine() in ("x86_64", "AMD64")
START = """
import cnnkit, keras, sys
from tensorflow.python.framework import test_util
print(keras.backend.backend(), test_util.IsMklEnabled())
sys.stderr.write("still here")
"""


@pytest.mark.slow
def test_tensorflow_starts_quietly_and_takes_its_faster_kernels():
    result = run(START, env={name: value for name, value in os.environ.items() if name != ONEDNN})
    assert result.stderr == "still here"
    assert result.stdout == "tensorflow True\n" or (not X86 and result.stdout.startswith("tensorflow "))


@pytest.mark.skipif(not X86, reason="kernels of x86")
def test_what_the_user_has_set_stays():
    lines = f"import cnnkit, os; print(os.environ['KERAS_BACKEND'], os.environ['{ONEDNN}'])"
    assert run(lines, env=os.environ | {"KERAS_BACKEND": "jax", ONEDNN: "0"}).stdout == "jax 0\n"


def test_what_a_failing_import_says_is_not_lost(tmp_path):
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'the reason')\nraise ImportError('broken')\n")
    result = run(f"import cnnkit, sys; sys.path.insert(0, {str(tmp_path)!r}); import tensorflow")
    assert "the reason" in result.stderr and "ImportError: broken" in result.stderr


def test_importing_cnnkit_imports_nothing_heavy():
    heavy = "{'tensorflow', 'keras', 'skimage', 'matplotlib', 'numpy'}"
    assert run(f"import cnnkit, sys; print({heavy} & set(sys.modules))").stdout == "set()\n"
