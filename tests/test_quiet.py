"""Importing Keras after cnnkit prints nothing, unless it fails."""

import subprocess
import sys

import pytest


def run(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, **options)


@pytest.mark.slow
def test_tensorflow_starts_quietly():
    result = run("import cnnkit, keras, sys; print(keras.backend.backend()); sys.stderr.write('still here')")
    assert result.stdout == "tensorflow\n"
    assert result.stderr == "still here"


def test_what_a_failing_import_says_is_not_lost(tmp_path):
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'the reason')\nraise ImportError('broken')\n")
    result = run(f"import cnnkit, sys; sys.path.insert(0, {str(tmp_path)!r}); import tensorflow")
    assert "the reason" in result.stderr and "ImportError: broken" in result.stderr


def test_importing_cnnkit_imports_nothing_heavy():
    heavy = "{'tensorflow', 'keras', 'skimage', 'matplotlib', 'numpy'}"
    assert run(f"import cnnkit, sys; print({heavy} & set(sys.modules))").stdout == "set()\n"
